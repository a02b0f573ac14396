"""The output of several instances as one stream of lines."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence

from calzion.host.directory import InstanceDirectory
from calzion.host.logfile import Follower, tail
from calzion.model import LogLine

_PAUSE = 0.1  # seconds between looks at files that nobody announces


class LogTail(Iterator[LogLine]):
    """The last lines of each, then, with `follow`, what comes. `close`, from any thread, ends it."""

    def __init__(self, directories: Sequence[InstanceDirectory], lines: int, follow: bool) -> None:
        self._closed = threading.Event()
        self._followers = [(one.path.name, Follower(one)) for one in directories] if follow else []
        self._waiting = deque(
            LogLine(instance=one.path.name, text=text) for one in directories for text in tail(one, lines)
        )

    def __next__(self) -> LogLine:
        while not self._waiting:
            if not self._followers or self._closed.is_set():
                raise StopIteration
            self._read()
            if not self._waiting:
                self._closed.wait(_PAUSE)
        return self._waiting.popleft()

    def close(self) -> None:
        self._closed.set()

    def _read(self) -> None:
        for id_, follower in self._followers:
            self._waiting.extend(LogLine(instance=id_, text=text) for text in follower.lines())
