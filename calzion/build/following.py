"""What a build writes, told line by line as it comes, until it ends or its time is up."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

from calzion.build.output import Lines

QUIET = 10.0
"""Seconds without a line after which it is said that the build still runs."""

_CHUNK = 64 * 1024
_GRACE = 10.0  # seconds that the pipe may stay open after a kill


def follow(
    descriptor: int,
    lines: Lines,
    *,
    timeout: float,
    kill: Callable[[], None],
    told: Callable[[str], None],
    quiet: float = QUIET,
) -> bool:
    """Read until nobody writes any more; after `timeout` seconds the writers are killed. True where the time was up.

    `told` gets each line, and a word of its own after `quiet` seconds without one.
    """
    end, timed_out, silence = time.monotonic() + timeout, False, _Silence(quiet, told)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while True:
        ready = poll.poll(max(0.0, min(end - time.monotonic(), silence.left())) * 1000)
        if not ready and time.monotonic() < end:
            silence.tell()
            continue
        if not ready and timed_out:
            break
        if not ready:
            timed_out, end = True, time.monotonic() + _GRACE
            kill()
            continue
        silence.broken()
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            break
        for line in lines.feed(chunk):
            told(line)
        if not timed_out and time.monotonic() > end:
            timed_out, end = True, time.monotonic() + _GRACE
            kill()
    for line in lines.end():
        told(line)
    return timed_out


class _Silence:
    """Says that the build still runs, each time that it wrote nothing for a while."""

    def __init__(self, interval: float, told: Callable[[str], None]) -> None:
        self._interval = interval
        self._told = told
        self.broken()

    def broken(self) -> None:
        self._began = time.monotonic()
        self._next = self._began + self._interval

    def left(self) -> float:
        """Seconds until there is something to say."""
        return self._next - time.monotonic()

    def tell(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._told(f"still running: nothing written for {now - self._began:.0f} s")
            self._next = now + self._interval
