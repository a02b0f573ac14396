"""Where an instance can be reached, from the listening sockets of its machine. Pure, but for a last look."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from calzion.host.sockets import Listener
from calzion.model import Endpoint

_LOCAL = "127.0.0.1"


def endpoint_of(listeners: Iterable[Listener], port: int, address: str, uid: int | None) -> Endpoint | None:
    """Where `port` accepts: 127.0.0.1 where that does, else the instance's own address, else ::1.

    An instance without an address of its own may have chosen another one, such as that of the host's name.
    Sockets of other users than `uid` don't count, where it is given.
    """
    hosts = {one.host for one in listeners if one.port == port and uid in (None, one.uid)}
    if hosts & {_LOCAL, "0.0.0.0"}:
        return Endpoint(_LOCAL, port)
    if address and address in hosts:
        return Endpoint(address, port)
    if "::" in hosts:
        return Endpoint(_LOCAL if _accepts(_LOCAL, port) else "::1", port)
    if "::1" in hosts:
        return Endpoint("::1", port)
    return Endpoint(min(hosts), port) if hosts and not address else None


def _accepts(host: str, port: int) -> bool:
    """Whether a socket on `::` takes IPv4 too, which /proc does not tell."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
