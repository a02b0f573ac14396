"""Which endpoints somebody listens at, asked so that no instance notices where that can be."""

from __future__ import annotations

import errno
import ipaddress
import select
import socket
from collections.abc import Collection, Iterable

from calzion.host.socketdiag import listening_sockets
from calzion.model import Endpoint

PATIENCE = 0.3
"""Seconds that all connections together may take. Who answers late is busy, not gone."""

_ANY = frozenset({bytes(4), bytes(16)})
_MAPPED = bytes(10) + b"\xff\xff"


def listening(endpoints: Collection[Endpoint]) -> frozenset[Endpoint]:
    """Those of this machine's loopback are looked up in the kernel, others are connected to."""
    here = {end for end in endpoints if ipaddress.ip_address(end.host).is_loopback}
    try:
        found = _looked_up(here)
    except OSError:
        found = _connected(here)
    return found | _connected(set(endpoints) - here)


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


def _connected(endpoints: Collection[Endpoint]) -> frozenset[Endpoint]:
    waiting: dict[int, tuple[socket.socket, Endpoint]] = {}
    refused: set[Endpoint] = set()
    try:
        for endpoint in endpoints:
            family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
            connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            waiting[connection.fileno()] = (connection, endpoint)
            if connection.connect_ex((endpoint.host, endpoint.port)) not in (0, errno.EINPROGRESS):
                refused.add(endpoint)
        refused |= _refused(waiting)
    finally:
        for connection, _ in waiting.values():
            connection.close()
    return frozenset(endpoints) - refused


def _refused(waiting: dict[int, tuple[socket.socket, Endpoint]]) -> set[Endpoint]:
    poll, refused, left = select.poll(), set[Endpoint](), set(waiting)
    for descriptor in waiting:
        poll.register(descriptor, select.POLLOUT)
    while left and (ready := poll.poll(PATIENCE * 1000)):
        for descriptor, _ in ready:
            connection, endpoint = waiting[descriptor]
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                refused.add(endpoint)
            poll.unregister(descriptor)
            left.discard(descriptor)
    return refused
