"""The logs of instances: cut when they are long, read from their end, followed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from calzion.host.directory import InstanceDirectory
from calzion.host.logtimes import LogTimes, Record, thin_out, write

MOST_BYTES = 10 << 20
LONGEST_LINE = 64 << 10
_BLOCK = 64 << 10


@dataclass(frozen=True)
class Line:
    """`time` is seconds since 1970, as well as is known."""

    text: str
    time: float


def rotate(directory: InstanceDirectory, now: float) -> None:
    """Move what is in a log that has become long to the old log, and empty it in place.

    Writers append, so they go on at its new end. What they write in between is lost.
    """
    try:
        with directory.log.open("r+b") as log:
            size = os.fstat(log.fileno()).st_size
            if size <= MOST_BYTES:
                thin_out(directory.times)
                return
            log.seek(size - MOST_BYTES)
            new = directory.old_log.with_suffix(".new")
            new.write_bytes(log.read(MOST_BYTES))
            _rotate_times(directory, size - MOST_BYTES, (size, now))
            new.replace(directory.old_log)
            log.truncate(0)
    except FileNotFoundError:
        return


def _rotate_times(directory: InstanceDirectory, cut: int, last: Record) -> None:
    records = [*LogTimes(directory.times).records(), last]
    write(directory.old_times, [(length - cut, moment) for length, moment in records if length > cut])
    write(directory.times, [])


def tail(directory: InstanceDirectory, lines: int) -> list[str]:
    """The last lines of the log, and of the old one where it has too few."""
    return [line.text for line in timed_tail(directory, lines, 0.0)]


def timed_tail(directory: InstanceDirectory, lines: int, now: float) -> list[Line]:
    """The same with their times; `now` is that of lines of which no time has been noted yet."""
    found: list[Line] = []
    files = ((directory.log, directory.times), (directory.old_log, directory.old_times))
    for path, index in files:
        missing = lines - len(found)
        if missing > 0:
            times = LogTimes(index)
            with contextlib.suppress(FileNotFoundError), path.open("rb") as log:
                older = _last_of(log.fileno(), missing)
                found = [Line(_decode(line), times.of(end, now)) for line, end in older] + found
    return found


class Follower:
    """Reads what is added to a log, a call at a time."""

    def __init__(self, directory: InstanceDirectory, *, from_start: bool = False) -> None:
        self._path = directory.log
        self._times = directory.times
        self._rest = b""
        self._position = 0 if from_start else _size(directory)

    def lines(self) -> Iterator[str]:
        """The lines that were completed since the last call."""
        return (text for text, _ in self._complete())

    def timed_lines(self, now: float) -> list[Line]:
        """The same with their times; `now` is that of lines of which no time has been noted yet."""
        found = list(self._complete())
        if not found:
            return []
        times = LogTimes(self._times, recent=True)
        if not times.reaches(found[0][1]):
            times = LogTimes(self._times)
        return [Line(text, times.of(end, now)) for text, end in found]

    def _complete(self) -> Iterator[tuple[str, int]]:
        """New lines, and where each ends."""
        data = self._rest + self._read()
        *complete, self._rest = data.split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            complete, self._rest = [*complete, self._rest], b""
        end = self._position - len(data)
        for line in complete:
            end += len(line) + 1
            yield _decode(line), min(end, self._position)

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


def _last_of(file: int, lines: int) -> list[tuple[bytes, int]]:
    """The last lines, and where each ends."""
    position = os.fstat(file).st_size
    data = b""
    while position > 0 and data.count(b"\n") <= lines:
        start = max(position - _BLOCK, 0)
        data = os.pread(file, position - start, start) + data
        position = start
    ends = position
    found = []
    for line in data.splitlines(keepends=True):
        ends += len(line)
        found.append((line.rstrip(b"\r\n"), ends))
    return found[-lines:]


def _size(directory: InstanceDirectory) -> int:
    try:
        return directory.log.stat().st_size
    except FileNotFoundError:
        return 0


def _decode(line: bytes) -> str:
    return line[:LONGEST_LINE].rstrip(b"\r").decode("utf-8", "replace")
