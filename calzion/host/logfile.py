"""The logs of instances: cut when they are long, read from their end, followed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from calzion.host.directory import InstanceDirectory

MOST_BYTES = 10 << 20
LONGEST_LINE = 64 << 10
_BLOCK = 64 << 10


def rotate(directory: InstanceDirectory) -> None:
    """Move what is in a log that has become long to the old log, and empty it in place.

    Writers append, so they go on at its new end. What they write in between is lost.
    """
    try:
        with directory.log.open("r+b") as log:
            size = os.fstat(log.fileno()).st_size
            if size <= MOST_BYTES:
                return
            log.seek(size - MOST_BYTES)
            new = directory.old_log.with_suffix(".new")
            new.write_bytes(log.read(MOST_BYTES))
            new.replace(directory.old_log)
            log.truncate(0)
    except FileNotFoundError:
        return


def tail(directory: InstanceDirectory, lines: int) -> list[str]:
    """The last lines of the log, and of the old one where it has too few."""
    last = _last_lines(directory, lines)
    return [_decode(line) for line in last]


class Follower:
    """Reads what is added to a log, a call at a time."""

    def __init__(self, directory: InstanceDirectory, *, from_start: bool = False) -> None:
        self._path = directory.log
        self._rest = b""
        self._position = 0 if from_start else _size(directory)

    def lines(self) -> Iterator[str]:
        """The lines that were completed since the last call."""
        data = self._rest + self._read()
        *complete, self._rest = data.split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            complete, self._rest = [*complete, self._rest], b""
        for line in complete:
            yield _decode(line)

    def rest(self) -> Iterator[str]:
        """What is left when nothing more will be added: also a line without its end."""
        yield from self.lines()
        if self._rest:
            yield _decode(self._rest)
            self._rest = b""

    def _read(self) -> bytes:
        try:
            with self._path.open("rb") as log:
                if os.fstat(log.fileno()).st_size < self._position:
                    self._position = 0
                log.seek(self._position)
                data = log.read(MOST_BYTES)
        except FileNotFoundError:
            return b""
        self._position += len(data)
        return data


def _last_lines(directory: InstanceDirectory, lines: int) -> list[bytes]:
    found: list[bytes] = []
    for path in (directory.log, directory.old_log):
        missing = lines - len(found)
        if missing > 0:
            with contextlib.suppress(FileNotFoundError), path.open("rb") as log:
                found = _last_of(log.fileno(), missing) + found
    return found


def _last_of(file: int, lines: int) -> list[bytes]:
    position = os.fstat(file).st_size
    data = b""
    while position > 0 and data.count(b"\n") <= lines:
        start = max(position - _BLOCK, 0)
        data = os.pread(file, position - start, start) + data
        position = start
    return data.splitlines()[-lines:]


def _size(directory: InstanceDirectory) -> int:
    try:
        return directory.log.stat().st_size
    except FileNotFoundError:
        return 0


def _decode(line: bytes) -> str:
    return line[:LONGEST_LINE].rstrip(b"\r").decode("utf-8", "replace")
