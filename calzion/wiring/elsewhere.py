"""Routes that end at the routers of other machines, in this machine's router."""

from __future__ import annotations

import logging

from calzion.discovery.routes import Routes
from calzion.layout import Layout
from calzion.routing.haproxy import HaproxyRouter
from calzion.routing.names import host_key
from calzion.routing.state import load_state
from calzion.routing.table import Pool, RouteTable

_log = logging.getLogger(__name__)
_HOST = host_key("x")[:-1]


class RoutesElsewhere:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._router = HaproxyRouter(layout)

    def known(self) -> Routes:
        """What the router was told before its end."""
        state = load_state(self._layout.router)
        slots = {placed.slot: placed.endpoints for placed in state.pools.values()}
        return {
            key.removeprefix(_HOST): slots[slot]
            for key, slot in state.routes.items()
            if key.startswith(_HOST) and slot in slots
        }

    def apply(self, routes: Routes) -> None:
        """Raises CalzionError where the router does not answer, or has no place for so many machines."""
        table = route_table(routes)
        self._router.apply(table)
        for pool in self._router.pools - table.pools.keys():
            self._router.retire(pool)
        _log.info("%d host names are routed to %d machines", len(table.hosts), len(table.pools))


def route_table(routes: Routes) -> RouteTable:
    names = {host: ",".join(map(str, sorted(routers))) for host, routers in routes.items()}
    pools = {
        names[host]: Pool(name=names[host], endpoints=tuple(sorted(routers)))
        for host, routers in routes.items()
    }
    return RouteTable(hosts=names, pools=pools)
