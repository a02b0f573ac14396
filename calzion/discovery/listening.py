"""Which endpoints somebody listens at, asked so that no instance notices where that can be."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from calzion.discovery.attempts import Attempts
from calzion.discovery.namespaces import Namespace, Namespaces
from calzion.host.socketdiag import listening_sockets
from calzion.host.sockets import listeners_of
from calzion.model import Endpoint

BELIEF = 1.0
"""Seconds for which a container that lives is believed to listen where it did: its list of sockets may be long."""

_ANY = frozenset({bytes(4), bytes(16)})
_MAPPED = bytes(10) + b"\xff\xff"
_EVERYWHERE = {"0.0.0.0", "::"}


class _Seen(NamedTuple):
    namespace: Namespace
    until: float


class Listening:
    """For one thread at a time.

    What processes of this machine listen at is looked up in the kernel, containers' in their network namespaces. Others
    are connected to.
    """

    def __init__(
        self,
        namespaces: Namespaces | None = None,
        attempts: Attempts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._namespaces = namespaces or Namespaces()
        self._attempts = attempts or Attempts()
        self._clock = clock
        self._seen: dict[Endpoint, _Seen] = {}

    def __call__(self, endpoints: Collection[Endpoint]) -> frozenset[Endpoint]:
        here = {end for end in endpoints if ipaddress.ip_address(end.host).is_loopback}
        containers = set(endpoints) - here
        try:
            found, unknown = _looked_up(here), set[Endpoint]()
        except OSError:
            found, unknown = frozenset(), here
        inside = self._inside(containers)
        if not self._namespaces.seen:
            unknown |= containers
        return found | inside | self._attempts.up(unknown)

    def _inside(self, endpoints: Collection[Endpoint]) -> frozenset[Endpoint]:
        there = self._namespaces.of({end.host for end in endpoints})
        self._seen = {end: self._look(end, there[end.host]) for end in endpoints if end.host in there}
        now = self._clock()
        return frozenset(end for end, seen in self._seen.items() if seen.until > now)

    def _look(self, endpoint: Endpoint, namespace: Namespace) -> _Seen:
        now, known = self._clock(), self._seen.get(endpoint)
        if known and known.namespace == namespace and known.until > now:
            return known
        hosts = {one.host for one in listeners_of(namespace.proc) if one.port == endpoint.port}
        listens = bool(hosts & {*_EVERYWHERE, endpoint.host})
        return _Seen(namespace, now + BELIEF if listens else now)


def _looked_up(endpoints: Collection[Endpoint]) -> frozenset[Endpoint]:
    if not endpoints:
        return frozenset()
    families = (socket.AF_INET, socket.AF_INET6)
    there = {(each.address, each.port) for family in families for each in listening_sockets(family)}
    return frozenset(end for end in endpoints if any((address, end.port) in there for address in _names(end)))


def _names(endpoint: Endpoint) -> Iterable[bytes]:
    """The addresses at which a listener gets what goes to the endpoint."""
    packed = ipaddress.ip_address(endpoint.host).packed
    return (*_ANY, packed, _MAPPED + packed)
