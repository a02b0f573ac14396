"""The Router that drives HAProxy by its runtime API; routing/daemon.py keeps HAProxy running."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.routing.frontend import DOMAINS, ROUTES
from calzion.routing.ports import container_port_file, ports_file
from calzion.routing.runtime import RuntimeApi, RuntimeApiError
from calzion.routing.slots import Server, difference, place, without
from calzion.routing.state import RouterState, load_state, save_state
from calzion.routing.table import RouteTable

_T = TypeVar("_T")
_PAUSE = 0.05


class HaproxyRouter:
    """Implements `routing.protocol.Router`. Safe to call from several threads; one process alone may own it.

    The state on disk is written before HAProxy is told: when HAProxy dies at any moment, the router daemon
    starts it with the newest table. `patience` is seconds to wait for a HAProxy that does not answer.
    """

    def __init__(self, layout: Layout, patience: float = 10.0) -> None:
        self._layout = layout
        self._patience = patience
        self._lock = threading.RLock()
        self._state: RouterState | None = None

    @property
    def pools(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._current.pools)

    @property
    def internal_ports(self) -> tuple[int, ...]:
        return self._chosen(ports_file(self._layout.router))

    @property
    def container_port(self) -> int:
        """Where the router daemon awaits what containers send to services. Raises CalzionError (failed)."""
        return self._chosen(container_port_file(self._layout.router))[0]

    def apply(self, table: RouteTable) -> None:
        with self._lock:
            self._insist(lambda api: self._bring(api, table))

    def connections(self, pool: str) -> int:
        with self._lock:
            placed = self._current.pools.get(pool)
            if placed is None:
                return 0
            return self._insist(lambda api: api.sessions(placed.slot).get("BACKEND", 0))

    def retire(self, pool: str) -> None:
        """Raises ValueError for a pool that a route still leads to."""
        deadline = time.monotonic() + self._patience
        while not self._try_to_retire(pool):
            if time.monotonic() > deadline:
                raise CalzionError(
                    f"the router could not end the connections of {pool}",
                    hint="the next pass tries again",
                )
            time.sleep(_PAUSE)

    @property
    def _current(self) -> RouterState:
        if self._state is None:
            self._state = load_state(self._layout.router)
        return self._state

    def _keep(self, state: RouterState) -> None:
        if state != self._current:
            save_state(self._layout.router, state)
            self._state = state

    def _bring(self, api: RuntimeApi, table: RouteTable) -> None:
        observed = api.servers()
        known = {placed.slot for placed in self._current.pools.values()}
        self._keep(place(self._current, table, observed.keys() - known))
        changes = difference(self._current, observed)
        for server in changes.add:
            api.add(server)
        for server in changes.revive:
            api.revive(server)
        _switch(api, self._current)
        for server in changes.remove:
            api.rest(server)
            _delete_idle(api, server)

    def _try_to_retire(self, pool: str) -> bool:
        with self._lock:
            placed = self._current.pools.get(pool)
            if placed is None:
                return True
            if placed.slot in self._current.routes.values():
                raise ValueError(f"a route leads to {pool!r}, which can't be retired")
            if not self._insist(lambda api: _clear(api, placed.slot)):
                return False
            self._keep(without(self._current, pool))
            return True

    def _chosen(self, file: Path) -> tuple[int, ...]:
        """The ports that the daemon wrote down at its first start, which may be going on."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return tuple(map(int, json.loads(file.read_text())))
            except (OSError, ValueError) as error:
                if time.monotonic() > deadline:
                    raise _silent("it has not chosen its ports yet") from error
            time.sleep(_PAUSE)

    def _insist(self, call: Callable[[RuntimeApi], _T]) -> _T:
        """Begin again from what HAProxy then is, until it goes through: HAProxy may be starting, or die."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                with RuntimeApi(self._layout.router_socket, timeout=self._patience) as api:
                    return call(api)
            except RuntimeApiError as error:
                if time.monotonic() > deadline:
                    raise _silent(str(error)) from error
            time.sleep(_PAUSE)


def _switch(api: RuntimeApi, state: RouterState) -> None:
    """Domains lead only to what is there: the routes they need come before them, those they needed go after."""
    routes, names = api.entries(ROUTES), api.entries(DOMAINS)
    if names != state.names:
        between = {**routes, **state.routes}
        if routes != between:
            api.replace(ROUTES, between)
        api.replace(DOMAINS, state.names)
        routes = between
    if routes != state.routes:
        api.replace(ROUTES, state.routes)


def _clear(api: RuntimeApi, slot: str) -> bool:
    """Cut and delete every server of a slot; False while one is left."""
    servers = [Server(slot, name) for name in api.servers().get(slot, {})]
    for server in servers:
        api.rest(server)
        api.cut(server)
    deleted = [_delete_idle(api, server) for server in servers]
    return all(deleted)


def _delete_idle(api: RuntimeApi, server: Server) -> bool:
    """HAProxy 2.6 may crash when it deletes a server that a session refers to, so the sessions decide."""
    return api.sessions(server.slot).get(server.name, 0) == 0 and api.delete(server)


def _silent(reason: str) -> CalzionError:
    return CalzionError(
        f"the router does not answer: {reason}",
        hint="see 'calzion status' and the router's log",
    )
