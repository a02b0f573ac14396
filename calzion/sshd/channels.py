"""The channels of one connection: counted, kept while they are open, and each good for one command."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko


class Channels:
    """`has_room` and `take` are for the connection's thread; commands have their own."""

    def __init__(self, transport: paramiko.Transport, most: int) -> None:
        self._transport = transport
        self._most = most
        self._open: list[paramiko.Channel] = []
        self._taken: set[int] = set()
        self._running: set[int] = set()
        self._lock = threading.Lock()

    @property
    def any_runs(self) -> bool:
        return bool(self._running)

    def has_room(self) -> bool:
        """Whether one more may be opened; a closed one counts while what it ran has not ended."""
        with self._lock:
            self._open = [each for each in [*self._open, *self._new()] if self._counts(each)]
            self._taken &= {each.get_id() for each in self._open}
            return len(self._open) < self._most

    def take(self, channel: paramiko.Channel) -> bool:
        """Whether this is the first command that is asked for on it."""
        with self._lock:
            if channel.get_id() in self._taken:
                return False
            self._taken.add(channel.get_id())
            return True

    @contextmanager
    def running(self, channel: paramiko.Channel) -> Iterator[None]:
        """While the command of the channel runs."""
        with self._lock:
            self._running.add(channel.get_id())
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(channel.get_id())

    def _counts(self, channel: paramiko.Channel) -> bool:
        return not channel.closed or channel.get_id() in self._running

    def _new(self) -> list[paramiko.Channel]:
        """Those opened since: Paramiko keeps them, for good, for a caller that waits for them."""
        with self._transport.lock:
            new, self._transport.server_accepts = self._transport.server_accepts, []
        return new
