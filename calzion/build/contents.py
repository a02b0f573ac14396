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
_REMEMBERED = 200_000
_DANGEROUS = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


@dataclass(frozen=True)
class Contents:
    """`digest` names paths, executable bits and bytes; `size` is the sum of the files' bytes."""

    digest: str
    size: int


class Sealer:
    """Remembers the digests of files that several slugs share by hard links, while they keep size and time."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], bytes] = {}

    def seal(self, root: Path) -> Contents:
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
                    name = entry.path[start:]
                    if stat.S_ISDIR(facts.st_mode):
                        waiting.append(entry.path)
                        entries.append(b"directory\0" + name)
                    elif stat.S_ISLNK(facts.st_mode):
                        entries.append(b"link\0" + name + b"\0" + os.readlink(entry.path))  # noqa: PTH115
                    elif stat.S_ISREG(facts.st_mode):
                        kind = b"program\0" if facts.st_mode & 0o111 else b"file\0"
                        entries.append(kind + name + b"\0" + self._file(entry.path, facts))
                        size += facts.st_size
                    else:
                        os.unlink(entry.path)  # noqa: PTH108 (bytes: names need not be text)
        entries.sort()
        return Contents(hashlib.sha256(b"\0\0".join(entries)).hexdigest(), size)

    def _file(self, path: bytes, facts: os.stat_result) -> bytes:
        _open_to_group(path, facts.st_mode, _PROGRAM if facts.st_mode & 0o111 else _FILE)
        if facts.st_nlink == 1:
            return _digest(path)
        identity = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
        known = self._known.get(identity)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[identity] = _digest(path)
        return known


def _digest(path: bytes) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (bytes)
        return hashlib.file_digest(file, "sha256").digest()


def _open_to_group(path: bytes, mode: int, wanted: int) -> None:
    now = stat.S_IMODE(mode)
    better = (now | wanted) & ~_DANGEROUS
    if better != now:
        os.chmod(path, better)  # noqa: PTH101 (bytes)
