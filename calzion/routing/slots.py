"""Which slot a pool gets, and what must change for HAProxy to be as the state says. Pure.

A slot is a backend that exists from HAProxy's start on and is empty until a pool needs it, so that no deploy
ever reloads the configuration.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from calzion.errors import CalzionError
from calzion.model import Endpoint
from calzion.routing.state import Placed, RouterState
from calzion.routing.table import Pool, RouteTable

SLOTS = 1000
"""Slots of each kind, HTTP and TCP; an empty one takes about 10 KB of memory."""

MEMBER = "member"
"""The value of a key that leads nowhere, but has to be there."""

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?")

Observed = Mapping[str, Mapping[str, bool]]
"""slot -> server's name -> whether it takes traffic."""


@dataclass(frozen=True, order=True)
class Server:
    """One instance as a server of a slot. `name` is made from the endpoint alone."""

    slot: str
    name: str

    @classmethod
    def of(cls, slot: str, endpoint: Endpoint) -> Server:
        """Raises ValueError where the endpoint's host is no IP address: HAProxy resolves no names here."""
        return cls(slot, _name(endpoint))

    @property
    def path(self) -> str:
        return f"{self.slot}/{self.name}"

    @property
    def address(self) -> str:
        host, _, port = self.name.rpartition(":")
        return f"[{host}]:{port}" if ":" in host else self.name

    @property
    def http(self) -> bool:
        return is_http(self.slot)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`add` and `revive` come before the routes change, `remove` after."""

    add: tuple[Server, ...] = ()
    revive: tuple[Server, ...] = ()
    remove: tuple[Server, ...] = ()


@lru_cache(maxsize=8192)
def _name(endpoint: Endpoint) -> str:
    return f"{ipaddress.ip_address(endpoint.host).compressed}:{int(endpoint.port)}"


def slot_names(http: bool) -> Iterator[str]:
    kind = "http" if http else "tcp"
    return (f"{kind}_{number}" for number in range(SLOTS))


def is_slot(backend: str) -> bool:
    return backend.startswith(("http_", "tcp_"))


def is_http(slot: str) -> bool:
    return slot.startswith("http_")


def host_key(host: str) -> str:
    """The map's key of a host name. Raises ValueError for what is no lower-case host name."""
    if not _HOST.fullmatch(host):
        raise ValueError(f"{host!a} is no host name that the router can serve")
    return f"h:{host}"


def address_key(address: Endpoint) -> str:
    """The map's key of a service's stable address. Raises ValueError where it is no IPv4 address."""
    return f"a:{ipaddress.IPv4Address(address.host)}:{int(address.port)}"


def member_key(address: str, network: str) -> str:
    """The map's key that lets a deployment's containers reach a service. Raises ValueError for what is no IPv4."""
    return f"m:{ipaddress.IPv4Network(network).network_address}:{ipaddress.IPv4Address(address)}"


def place(state: RouterState, table: RouteTable, occupied: Collection[str]) -> RouterState:
    """The state that serves `table`; pools that `table` lacks keep their slots.

    `occupied` slots hold servers that the state does not know of: they are given to no pool.
    Raises CalzionError (failed) where the slots don't suffice, ValueError for what HAProxy could not be told.
    """
    free = {http: _free(state, occupied, http) for http in (True, False)}
    pools = dict(state.pools)
    for name, pool in table.pools.items():
        held = pools.get(name)
        slot = held.slot if held else _take(free[pool.http], pool)
        if is_http(slot) is not pool.http:
            raise ValueError(f"pool {name!r} changed between HTTP and TCP")
        for endpoint in pool.endpoints:
            Server.of(slot, endpoint)  # one that is kept and can't be told would stop every later table
        pools[name] = Placed(slot=slot, endpoints=tuple(sorted(set(pool.endpoints))))
    routes = {host_key(host): pools[name].slot for host, name in table.hosts.items()}
    routes |= {address_key(address): pools[name].slot for address, name in table.addresses.items()}
    routes |= {member_key(address, network): MEMBER for address, network in table.members.items()}
    return RouterState(pools=pools, routes=routes)


def without(state: RouterState, pool: str) -> RouterState:
    pools = {name: placed for name, placed in state.pools.items() if name != pool}
    return RouterState(pools=pools, routes=state.routes)


def difference(state: RouterState, observed: Observed) -> Difference:
    """What has to be done to the servers. Slots of no pool are emptied."""
    wanted = {
        Server.of(placed.slot, endpoint) for placed in state.pools.values() for endpoint in placed.endpoints
    }
    there = {
        Server(slot, name): ready for slot, servers in observed.items() for name, ready in servers.items()
    }
    return Difference(
        add=tuple(sorted(wanted - there.keys())),
        revive=tuple(sorted(server for server in wanted & there.keys() if not there[server])),
        remove=tuple(sorted(there.keys() - wanted)),
    )


def _free(state: RouterState, occupied: Collection[str], http: bool) -> Iterator[str]:
    taken = {placed.slot for placed in state.pools.values()} | set(occupied)
    return (slot for slot in slot_names(http) if slot not in taken)


def _take(free: Iterator[str], pool: Pool) -> str:
    slot = next(free, None)
    if slot is None:
        kind = "web" if pool.http else "internal"
        raise CalzionError(
            f"the router has no place for {pool.name}: all {SLOTS} {kind} places are taken",
            hint="destroy deployments that are not needed, or wait until old releases have drained",
        )
    return slot
