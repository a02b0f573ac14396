"""Writing a backup: into a new directory, or as one tar archive. It is there once all of it is."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from calzion.durable import sync_directory
from calzion.errors import CalzionError

Write = Callable[[bytes], object]


class BackupWriter(Protocol):
    def file(self, name: str) -> AbstractContextManager[Write]:
        """What takes the bytes of one file, readable for its owner alone, which an error leaves out. Raises OSError."""


@contextmanager
def opened(target: str, standard_output: BinaryIO) -> Iterator[BackupWriter]:
    """A directory of that name; a tar archive where it ends in `.tar`, or is '-' for standard output.

    Raises CalzionError (refused: it is there already; usage: it can't be written).
    """
    if target == "-":
        with tarfile.open(fileobj=standard_output, mode="w|") as archive:
            yield _Archive(archive)
        standard_output.flush()
        return
    path = Path(target)
    if path.exists():
        raise CalzionError(f"{target} exists already", hint="name another one, or remove it", code="refused")
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with _archive(scratch) if path.suffix == ".tar" else _directory(scratch) as writer:
            yield writer
        scratch.rename(path)
        sync_directory(path.parent)
    except OSError as error:
        raise CalzionError(f"{target} can't be written: {error.strerror or error}", code="usage") from error
    finally:
        with suppress(OSError):
            scratch.unlink() if scratch.is_file() else shutil.rmtree(scratch)


class _Directory:
    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def file(self, name: str) -> Iterator[Write]:
        path = self._root / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with _created(path) as file:
                yield file.write
                _flush(file)
        except BaseException:
            path.unlink()
            raise
        sync_directory(path.parent)


class _Archive:
    """A tar archive says how long a file is before it begins, so each waits in a temporary one."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    @contextmanager
    def file(self, name: str) -> Iterator[Write]:
        with tempfile.TemporaryFile(prefix="calzion-backup-") as waiting:
            yield waiting.write
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = waiting.tell(), 0o600
            waiting.seek(0)
            self._archive.addfile(entry, waiting)


@contextmanager
def _directory(scratch: Path) -> Iterator[_Directory]:
    scratch.mkdir(mode=0o700)
    yield _Directory(scratch)
    sync_directory(scratch)


@contextmanager
def _archive(scratch: Path) -> Iterator[_Archive]:
    with _created(scratch) as file:
        with tarfile.open(fileobj=file, mode="w|") as archive:
            yield _Archive(archive)
        _flush(file)


@contextmanager
def _created(path: Path) -> Iterator[IO[bytes]]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
