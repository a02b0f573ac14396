"""The output of several instances as one stream of lines, in the order of their times."""

from __future__ import annotations

import heapq
import os
import select
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from calzion.host.directory import InstanceDirectory
from calzion.host.inotify import IN_MODIFY, Inotify
from calzion.host.logfile import Follower, Line, timed_tail
from calzion.model import LogLine

_PAUSE = 0.1  # seconds between looks where the kernel does not announce what is written


class LogTail(Iterator[LogLine]):
    """The last lines of each, then, with `follow`, what comes. `close`, from any thread, ends it."""

    def __init__(self, directories: Sequence[InstanceDirectory], lines: int, follow: bool) -> None:
        self._closed = threading.Event()
        self._growth = _Growth(directories) if follow else None
        self._followers = [(one.path.name, Follower(one)) for one in directories] if follow else []
        now = time.time()
        self._waiting = deque(_merged((one.path.name, timed_tail(one, lines, now)) for one in directories))

    def __next__(self) -> LogLine:
        while not self._waiting:
            if self._growth is None or self._closed.is_set():
                self._release()
                raise StopIteration
            self._read()
            if not self._waiting:
                self._growth.wait()
        return self._waiting.popleft()

    def close(self) -> None:
        self._closed.set()
        if self._growth:
            self._growth.wake()

    def _read(self) -> None:
        now = time.time()
        self._waiting.extend(_merged((id_, follower.timed_lines(now)) for id_, follower in self._followers))

    def _release(self) -> None:
        if self._growth:
            self._growth.close()


class _Growth:
    """Waits until one of the logs grows, or until woken."""

    def __init__(self, directories: Sequence[InstanceDirectory]) -> None:
        self._lock = threading.Lock()
        self._woken: int | None = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._inotify: Inotify | None = None
        with suppress(OSError):
            self._inotify = Inotify()
            for each in directories:
                with suppress(FileNotFoundError):
                    self._inotify.add(each.log, IN_MODIFY)

    def wait(self) -> None:
        if self._woken is None:
            return
        watched = [self._woken] + ([self._inotify.fd] if self._inotify else [])
        select.select(watched, [], [], None if self._inotify else _PAUSE)
        if self._inotify:
            self._inotify.read()

    def wake(self) -> None:
        with self._lock:
            if self._woken is not None:
                os.eventfd_write(self._woken, 1)

    def close(self) -> None:
        with self._lock:
            if self._woken is not None:
                os.close(self._woken)
                self._woken = None
        if self._inotify:
            self._inotify.close()
            self._inotify = None


def _merged(logs: Iterable[tuple[str, list[Line]]]) -> Iterator[LogLine]:
    streams = (
        (LogLine(instance=id_, text=line.text, time=line.time) for line in lines) for id_, lines in logs
    )
    return heapq.merge(*map(list, streams), key=lambda line: line.time)
