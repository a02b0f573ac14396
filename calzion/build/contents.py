"""The files of a finished slug: made ready for instances, measured and named."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

_DIRECTORY = 0o770
_FILE = 0o660
_PROGRAM = 0o770
_DANGEROUS = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


@dataclass(frozen=True)
class Contents:
    """`digest` names paths, executable bits and bytes; `size` is the sum of the files' bytes."""

    digest: str
    size: int


def seal(root: Path) -> Contents:
    """Open every file to the slugs' group, drop set-id bits and whatever is no file, and hash the rest.

    Nothing may write below `root` meanwhile. Links are never followed. Raises OSError.
    """
    entries: list[bytes] = []
    size = 0
    waiting = [os.fsencode(root)]
    start = len(waiting[0]) + 1
    while waiting:
        directory = waiting.pop()
        _open_to_group(directory, os.lstat(directory).st_mode, _DIRECTORY)
        with os.scandir(directory) as found:
            for entry in found:
                facts = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(facts.st_mode):
                    waiting.append(entry.path)
                    entries.append(b"directory\0" + entry.path[start:])
                elif stat.S_ISLNK(facts.st_mode):
                    entries.append(b"link\0" + entry.path[start:] + b"\0" + os.readlink(entry.path))  # noqa: PTH115
                elif stat.S_ISREG(facts.st_mode):
                    entries.append(_file(entry.path, facts.st_mode, start))
                    size += facts.st_size
                else:
                    os.unlink(entry.path)  # noqa: PTH108 (bytes: names need not be text)
    entries.sort()
    return Contents(hashlib.sha256(b"\0\0".join(entries)).hexdigest(), size)


def _file(path: bytes, mode: int, start: int) -> bytes:
    program = bool(mode & 0o111)
    _open_to_group(path, mode, _PROGRAM if program else _FILE)
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (bytes)
        digest = hashlib.file_digest(file, "sha256").digest()
    return (b"program\0" if program else b"file\0") + path[start:] + b"\0" + digest


def _open_to_group(path: bytes, mode: int, wanted: int) -> None:
    now = stat.S_IMODE(mode)
    better = (now | wanted) & ~_DANGEROUS
    if better != now:
        os.chmod(path, better)  # noqa: PTH101 (bytes)
