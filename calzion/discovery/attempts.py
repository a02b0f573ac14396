"""Who takes connections, where that can only be found out by connecting."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Collection

from calzion.model import Endpoint

PAUSE = 1.0
"""Seconds between two attempts at one endpoint."""

_PENDING = errno.EINPROGRESS


class Attempts:
    """Never waits: an attempt that has no answer yet is looked at again the next time, and what was known stands. Who
    answers late is busy, not gone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pending: dict[Endpoint, socket.socket] = {}
        self._next: dict[Endpoint, float] = {}
        self._up: set[Endpoint] = set()

    def up(self, endpoints: Collection[Endpoint]) -> frozenset[Endpoint]:
        for endpoint in self._next.keys() - set(endpoints):
            self._forget(endpoint)
        for endpoint in endpoints:
            if endpoint not in self._pending and self._clock() >= self._next.get(endpoint, 0.0):
                self._begin(endpoint)
            if endpoint in self._pending:
                self._look(endpoint)
        return frozenset(self._up)

    def _begin(self, endpoint: Endpoint) -> None:
        family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
        self._pending[endpoint] = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._next[endpoint] = self._clock() + PAUSE

    def _look(self, endpoint: Endpoint) -> None:
        """Connecting once more tells how the attempt goes (connect(2))."""
        said = self._pending[endpoint].connect_ex((endpoint.host, endpoint.port))
        if said in (_PENDING, errno.EALREADY):
            return
        if said in (0, errno.EISCONN):
            self._up.add(endpoint)
        else:
            self._up.discard(endpoint)
        self._pending.pop(endpoint).close()

    def _forget(self, endpoint: Endpoint) -> None:
        self._up.discard(endpoint)
        del self._next[endpoint]
        if pending := self._pending.pop(endpoint, None):
            pending.close()
