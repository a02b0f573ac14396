"""When the lines of a log were written: a file beside it that tells how long it was at which moment.

An instance writes its log itself, so nothing stands between that could lose lines or hold them up, and nothing can
put times into it. Instead the host daemon notes (length, seconds since 1970) soon after it grew; a line was written
at the first of these moments at which the log held it. While no daemon runs, that is when the next one looks.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path

_RECORD = struct.Struct("=Qd")
MOST_RECORDS = 1 << 18
_RECENT = 256

Record = tuple[int, float]


class LogTimes:
    """The moments of one log, or the last of them. Raises nothing: without its file it knows none."""

    def __init__(self, path: Path, *, recent: bool = False) -> None:
        data = memoryview(_read(path, _RECENT if recent else None))
        self._lengths = data.cast("Q")[::2]
        self._times = data.cast("d")[1::2]

    def reaches(self, end: int) -> bool:
        """Whether the first moment it knows is not behind `end`."""
        return bool(self._lengths) and self._lengths[0] <= end

    def of(self, end: int, otherwise: float) -> float:
        """When a line that ends at `end` was there; `otherwise` where that has not been noted yet."""
        index = bisect_left(self._lengths, end)
        return self._times[index] if index < len(self._times) else otherwise

    def records(self) -> list[Record]:
        return list(zip(self._lengths, self._times, strict=True))


def note(path: Path, length: int, now: float) -> None:
    """Add a moment. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, _RECORD.pack(length, now))
    finally:
        os.close(descriptor)


def write(path: Path, records: Iterable[Record]) -> None:
    """Replace all moments. Raises OSError."""
    new = path.with_suffix(".new")
    new.write_bytes(b"".join(_RECORD.pack(length, moment) for length, moment in records))
    new.replace(path)


def thin_out(path: Path) -> None:
    """Forget every second moment of a log that has more than MOST_RECORDS: some lines seem a bit younger then."""
    try:
        if path.stat().st_size <= MOST_RECORDS * _RECORD.size:
            return
    except FileNotFoundError:
        return
    records = LogTimes(path).records()
    write(path, records[(len(records) + 1) % 2 :: 2])  # the last one stays


def _read(path: Path, most: int | None) -> bytes:
    """The last records, or all."""
    try:
        with path.open("rb") as file:
            count = os.fstat(file.fileno()).st_size // _RECORD.size
            file.seek(max(count - (most or count), 0) * _RECORD.size)
            data = file.read()
    except FileNotFoundError:
        return b""
    return data[: len(data) // _RECORD.size * _RECORD.size]
