"""One child process: its output line by line as it comes, its time limit, its cancellation."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from calzion.build.output import Lines
from calzion.model import Cancellation

_CHUNK = 64 * 1024
_GRACE = 10.0  # seconds that the pipe may stay open after a kill
QUIET = 10.0
"""Seconds without a line after which it is said that the child still runs."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """`status` as a shell gives it: 128 + n after a signal."""

    status: int
    timed_out: bool = False
    cancelled: bool = False
    lines: tuple[str, ...] = ()


def run_child(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    timeout: float,
    cancellation: Cancellation,
    told: Callable[[str], None],
    quiet: float = QUIET,
) -> Ending:
    """Run to the end; `told` gets each line, and a word of its own after `quiet` seconds without one. The child is
    killed after `timeout` seconds, or when cancelled.

    The calling thread must live as long as the child, which dies with it. Raises OSError.
    """
    with subprocess.Popen(
        arguments,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as child:
        undo = cancellation.on_cancel(child.kill)
        lines = Lines()
        try:
            timed_out = _read(child, lines, time.monotonic() + timeout, told, _Silence(quiet, told))
        except BaseException:
            child.kill()
            raise
        finally:
            undo()
        status = child.wait()
    return Ending(
        status=128 - status if status < 0 else status,
        timed_out=timed_out,
        cancelled=cancellation.cancelled(),
        lines=tuple(lines.last),
    )


class _Silence:
    """Says that the child still runs, each time that it wrote nothing for a while."""

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


def _read(
    child: subprocess.Popen[bytes], lines: Lines, end: float, told: Callable[[str], None], silence: _Silence
) -> bool:
    """Read until nobody writes any more; True where the time was up."""
    assert child.stdout is not None
    descriptor, timed_out = child.stdout.fileno(), False
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
            child.kill()
            continue
        silence.broken()
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            break
        for line in lines.feed(chunk):
            told(line)
        if not timed_out and time.monotonic() > end:
            timed_out, end = True, time.monotonic() + _GRACE
            child.kill()
    for line in lines.end():
        told(line)
    return timed_out
