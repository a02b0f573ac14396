"""Tells routers elsewhere which host names this machine serves."""

from __future__ import annotations

from collections.abc import Iterable

from calzion.discovery.keeper import Keeper
from calzion.discovery.routes import RouteStore
from calzion.model import Endpoint

INTERVAL = 3.0
"""Seconds between two looks at what is there: whatever somebody removed is there again then."""


class RoutePublisher(Keeper):
    """Routes have no leases. What is there and not wanted is removed; before the first `want` nothing is touched."""

    def __init__(self, store: RouteStore, router: Endpoint) -> None:
        """`router` is where this machine's is reached from elsewhere."""
        super().__init__(INTERVAL)
        self._store = store
        self._routers = (router,)
        self._wanted: frozenset[str] | None = None

    def want(self, hosts: Iterable[str]) -> None:
        self._wanted = frozenset(hosts)
        self._changed.set()

    def bring(self) -> None:
        wanted = self._wanted
        if wanted is None:
            return
        there = self._store.snapshot().routes
        for host in sorted(wanted):
            if there.get(host) != self._routers:
                self._store.put(host, self._routers)
        for host in sorted(there.keys() - wanted):
            self._store.remove(host)
