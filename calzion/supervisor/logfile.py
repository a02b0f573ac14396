"""The log of a part: appended to by the part itself, so that it goes on when its supervisor is gone."""

from __future__ import annotations

import os
from pathlib import Path

LIMIT = 10 * 1024 * 1024
"""Bytes after which a log is rotated; one older file is kept."""

_CHUNK = 1 << 20
_TAIL = 16 * 1024


def open_log(path: Path) -> int:
    """A descriptor that appends to the log."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def rotate(path: Path, limit: int = LIMIT) -> bool:
    """Where the log is beyond `limit` bytes, keep it as `NAME.1` and empty it; says whether that happened.

    It is copied and truncated, not renamed: the part goes on writing through the descriptor it has.
    """
    if size(path) <= limit:
        return False
    kept = path.with_name(path.name + ".1")
    with path.open("rb") as source, kept.open("wb") as target:
        while chunk := source.read(_CHUNK):
            target.write(chunk)
    os.truncate(path, 0)
    return True


def last_lines(path: Path, since: int, count: int) -> list[str]:
    """The last lines that were written after byte `since`; after a rotation, what was written since then."""
    try:
        with path.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(since if since <= end else 0, end - _TAIL))
            text = log.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-count:]
