"""Reading a backup, without unpacking anything."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from calzion.backup.contents import MOST_BYTES, NAME, Contents
from calzion.errors import CalzionError


class BackupReader(Protocol):
    def open(self, name: str) -> IO[bytes]:
        """One of its files, to be closed. Raises FileNotFoundError, OSError."""


@contextmanager
def opened(source: str) -> Iterator[BackupReader]:
    """A directory, or a tar archive. Raises CalzionError (not_found, usage)."""
    path = Path(source)
    if path.is_dir():
        yield _Directory(path)
        return
    try:
        archive = tarfile.open(path, mode="r:")  # noqa: SIM115 (closed below)
    except FileNotFoundError:
        raise CalzionError(f"there is no {source}", code="not_found") from None
    except (OSError, tarfile.TarError) as error:
        raise CalzionError(
            f"{source} can't be read as a backup: {error}",
            hint="give the directory or file that 'calzion backup' wrote, decrypted",
            code="usage",
        ) from error
    with archive:
        yield _Archive(archive)


def read_contents(reader: BackupReader) -> Contents:
    """What the backup is of. Raises CalzionError (usage) where it is not whole or not one."""
    try:
        with reader.open(NAME) as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, tarfile.TarError) as error:
        raise CalzionError(
            f"this backup is not whole, or none: there is no {NAME} in it",
            hint="take another one",
            code="usage",
        ) from error
    if len(content) > MOST_BYTES:
        raise CalzionError(f"{NAME} is longer than any that a backup writes", code="usage")
    return Contents.parse(content)


class _Directory:
    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, name: str) -> IO[bytes]:
        return (self._root / name).open("rb")


class _Archive:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def open(self, name: str) -> IO[bytes]:
        try:
            file = self._archive.extractfile(name)
        except KeyError:
            file = None
        if file is None:
            raise FileNotFoundError(name)
        return file
