"""Files -> the bytes of a tar archive, while they are read: the same files always give the same bytes."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterable, Iterator

from calzion.errors import CalzionError
from calzion.packing.file import PackedFile

_CHUNK = 1 << 16


def archive(files: Iterable[PackedFile]) -> Iterator[bytes]:
    """GNU tar, in chunks of some 64 KiB. Raises CalzionError where a file changes while it is read."""
    waiting = bytearray()
    for part in _parts(files):
        waiting += part
        if len(waiting) >= _CHUNK:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def _parts(files: Iterable[PackedFile]) -> Iterator[bytes]:
    for file in files:
        if stat.S_ISLNK(file.mode):
            yield _header(file, target=b"".join(file.parts))
        else:
            yield _header(file)
            yield from whole(file)
            yield bytes(-file.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _header(file: PackedFile, target: bytes | None = None) -> bytes:
    entry = tarfile.TarInfo(os.fsdecode(file.path))
    entry.mode = 0o755 if file.mode & 0o100 else 0o644
    if target is None:
        entry.size = file.size
    else:
        entry.type, entry.linkname = tarfile.SYMTYPE, os.fsdecode(target)
    return entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def whole(file: PackedFile) -> Iterator[bytes]:
    """The content of a file. Raises CalzionError where it is not as long as was announced."""
    size = 0
    for part in file.parts:
        size += len(part)
        if size > file.size:
            break
        yield part
    if size != file.size:
        raise CalzionError(f"{os.fsdecode(file.path)!a} changed while it was packed", hint="try again")
