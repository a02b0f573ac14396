"""What an engine is given to build an image: an archive with the Dockerfile and the files beside it."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from calzion.images.copied import is_program
from calzion.images.recipe import Recipe


@contextmanager
def context(recipe: Recipe) -> Iterator[IO[bytes]]:
    """The archive, opened for reading. Owners and times of this machine are not in it. Raises OSError."""
    with TemporaryFile(prefix="calzion-context-") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            for name, source in _entries(recipe):
                _add(archive, name, source)
        file.seek(0)
        yield file


def _entries(recipe: Recipe) -> Iterator[tuple[str, Path | None]]:
    for copied in recipe.files:
        if copied.source is None:
            yield copied.target, None
        yield from copied.entries()


def _add(archive: tarfile.TarFile, name: str, source: Path | None) -> None:
    entry = tarfile.TarInfo(name)
    if source is None or (source.is_dir() and not source.is_symlink()):
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(entry)
    elif source.is_symlink():
        entry.type, entry.linkname = tarfile.SYMTYPE, str(source.readlink())
        archive.addfile(entry)
    else:
        entry.mode = 0o755 if is_program(source) else 0o644
        with source.open("rb") as content:
            entry.size = source.stat().st_size
            archive.addfile(entry, content)
