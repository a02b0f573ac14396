"""The route table: which host names and service addresses lead to which instances. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from calzion.infrastructure.declaration import Domain, Target
from calzion.model import Endpoint


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Instances that answer alike. `name` is never used again for other instances. Pools without `http` carry TCP."""

    name: str
    endpoints: tuple[Endpoint, ...]
    http: bool = True


@dataclass(frozen=True)
class RouteTable:
    """`hosts` maps lower-case host names, `addresses` maps stable endpoints of services, each to a pool's name.

    `members` maps the address of a service to the network of its deployment's containers, where it has one: nobody
    else's may reach it. `domains` are names that were given: `*.` in front stands for any one label. They come before
    `hosts`, or behind them with `*.`, and lead to `services`, each of which maps to a pool's name; one that is missing
    there has nothing that runs. `ports` to the outside map to pools' names, too.
    """

    hosts: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[Endpoint, str] = field(default_factory=dict)
    pools: Mapping[str, Pool] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    domains: Mapping[str, Domain] = field(default_factory=dict)
    services: Mapping[Target, str] = field(default_factory=dict)
    ports: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for target, http in _targets(self):
            pool = self.pools.get(target)
            if pool is None or pool.http is not http:
                raise ValueError(f"a route leads to {target!r}, which is no such pool")


def _targets(table: RouteTable) -> Iterable[tuple[str, bool]]:
    yield from ((name, True) for name in (*table.hosts.values(), *table.services.values()))
    yield from ((name, False) for name in (*table.addresses.values(), *table.ports.values()))
