"""Notes when logs grow (see calzion.host.logtimes), without looking at those that do not."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from calzion.host.directory import InstanceDirectory
from calzion.host.inotify import IN_MODIFY, IN_ONESHOT, Inotify
from calzion.host.logtimes import note
from calzion.host.loop import Loop

PAUSE = 0.05
"""Seconds between two moments of one log. Its watch is off meanwhile, so a chatty instance costs no more than that."""


@dataclass(eq=False)
class _Log:
    directory: InstanceDirectory
    watch: int = -1
    length: int = 0
    gone: bool = False


class LogWatch:
    """Where the kernel refuses to watch, logs have the moments alone at which `look` is called."""

    def __init__(self, loop: Loop, now: Callable[[], float] = time.time) -> None:
        self._loop = loop
        self._now = now
        self._logs: dict[str, _Log] = {}
        self._watches: dict[int, _Log] = {}
        self._inotify: Inotify | None = None
        with suppress(OSError):
            self._inotify = Inotify()
            loop.watch(self._inotify.fd, self._told)

    def add(self, directory: InstanceDirectory) -> None:
        """Watch a log; again where it is watched is no error."""
        if directory.path.name not in self._logs:
            self._logs[directory.path.name] = log = _Log(directory)
            self._arm(log)

    def remove(self, directory: InstanceDirectory) -> None:
        log = self._logs.pop(directory.path.name, None)
        if log:
            log.gone = True
            self._disarm(log)

    def look(self, directory: InstanceDirectory) -> None:
        """Note how long a log is now."""
        log = self._logs.get(directory.path.name)
        if log:
            self._note(log)

    def _told(self, _: int) -> None:
        assert self._inotify is not None
        found = self._inotify.read()
        for watch in list(self._watches) if -1 in found else found:
            log = self._watches.pop(watch, None)
            if log and not log.gone:
                log.watch = -1
                self._note(log)
                self._loop.later(PAUSE, self._armer(log))

    def _armer(self, log: _Log) -> Callable[[], None]:
        return lambda: self._arm(log)

    def _arm(self, log: _Log) -> None:
        """What was written before the watch was set is seen by looking once."""
        if self._inotify is None or log.gone:
            return
        with suppress(OSError):
            log.watch = self._inotify.add(log.directory.log, IN_MODIFY | IN_ONESHOT)
            self._watches[log.watch] = log
        if self._note(log) and log.watch >= 0:
            self._disarm(log)
            self._loop.later(PAUSE, self._armer(log))

    def _disarm(self, log: _Log) -> None:
        if self._inotify and self._watches.pop(log.watch, None):
            self._inotify.remove(log.watch)
        log.watch = -1

    def _note(self, log: _Log) -> bool:
        """Whether its length has changed."""
        with suppress(OSError):
            length = log.directory.log.stat().st_size
            if length != log.length:
                log.length = length
                if length:
                    note(log.directory.times, length, self._now())
                return True
        return False
