"""What the controller asks of a router."""

from __future__ import annotations

from typing import Protocol

from calzion.routing.table import RouteTable


class Router(Protocol):
    def apply(self, table: RouteTable) -> None:
        """Bring every route to `table` at one moment: all requests see the old table, or all see the new.

        Pools that `table` lacks get no new connections and keep those they have until `retire`. Idempotent; after a
        restart of either side it brings the router to `table` whatever it held.
        Raises CalzionError (failed) where the router does not answer or has no place left, ValueError for names and
        addresses that it can't serve; then no route has changed, unless the router ended meanwhile.
        """

    def connections(self, pool: str) -> int:
        """Open connections of a pool that the table lacks or holds; 0 where there is no such pool.

        Raises CalzionError (failed) where the router does not answer.
        """

    def retire(self, pool: str) -> None:
        """Cut what is still connected to a pool that the table lacks, and free its place. Unknown pools are ignored.

        Raises CalzionError (failed) where the router does not answer, ValueError where a route leads to the pool.
        """

    @property
    def pools(self) -> frozenset[str]:
        """Every pool that holds a place: those of the table, and those that wait for `retire`."""

    @property
    def internal_ports(self) -> tuple[int, ...]:
        """The ports at which a service's stable address answers, one per port of a service, first to last."""
