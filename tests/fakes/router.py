"""A router in memory. It passes the contract suite, so that tests of what stands above it can trust it."""

from __future__ import annotations

from dataclasses import dataclass

from calzion.errors import CalzionError
from calzion.model import Endpoint
from calzion.routing.names import address_key, host_key
from calzion.routing.slots import place, without
from calzion.routing.state import RouterState
from calzion.routing.table import RouteTable


@dataclass(eq=False)
class FakeConnection:
    """A client of an instance: open until it leaves, or is cut."""

    pool: str
    endpoint: Endpoint
    open: bool = True


class FakeRouter:
    """`switches` are the tables that it was brought to. While it is `away` it does not answer."""

    internal_ports = (7077, 7078)

    def __init__(self) -> None:
        self.table = RouteTable()
        self.switches: list[RouteTable] = []
        self.away = False
        self._state = RouterState()
        self._connections: list[FakeConnection] = []

    @property
    def pools(self) -> frozenset[str]:
        return frozenset(self._state.pools)

    def apply(self, table: RouteTable) -> None:
        self._check_there()
        self._state = place(self._state, table, ())
        if table != self.table:
            self.switches.append(table)
        self.table = table

    def connections(self, pool: str) -> int:
        if pool not in self._state.pools:
            return 0
        self._check_there()
        return sum(each.open for each in self._connections if each.pool == pool)

    def retire(self, pool: str) -> None:
        placed = self._state.pools.get(pool)
        if placed is None:
            return
        if placed.slot in self._state.routes.values():
            raise ValueError(f"a route leads to {pool!r}, which can't be retired")
        self._check_there()
        self._cut(pool)
        self._state = without(self._state, pool)

    def connect(self, to: str | Endpoint) -> FakeConnection | None:
        """Be a client of a host name or of a service's stable address; None where nothing answers there."""
        slot = self._state.routes.get(host_key(to) if isinstance(to, str) else address_key(to))
        for name, placed in self._state.pools.items():
            if placed.slot == slot and placed.endpoints and not self.away:
                self._connections.append(FakeConnection(name, placed.endpoints[0]))
                return self._connections[-1]
        return None

    def stop(self) -> None:
        """Have it die: every connection ends, and what it keeps on disk stays."""
        self.away = True
        for pool in self.pools:
            self._cut(pool)

    def start(self) -> None:
        self.away = False

    def _cut(self, pool: str) -> None:
        for each in self._connections:
            each.open = each.open and each.pool != pool

    def _check_there(self) -> None:
        if self.away:
            raise CalzionError("the router does not answer")
