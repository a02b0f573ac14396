"""A router in memory: it holds the table, and counts no connections."""

from __future__ import annotations

from calzion.routing.table import RouteTable


class FakeRouter:
    internal_ports = (7077, 7078)

    def __init__(self) -> None:
        self.table = RouteTable()
        self._held: set[str] = set()
        self.switches: list[RouteTable] = []

    def apply(self, table: RouteTable) -> None:
        self._held |= set(table.pools)
        if table != self.table:
            self.switches.append(table)
        self.table = table

    def connections(self, pool: str) -> int:
        return 0

    def retire(self, pool: str) -> None:
        self._held.discard(pool)

    @property
    def pools(self) -> frozenset[str]:
        return frozenset(self._held)
