"""The listening sockets, which the daemon holds so that connections wait while HAProxy starts anew."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from calzion.config import Address
from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.routing.ports import open_block, open_container_port

_BACKLOG = 4096


@dataclass(frozen=True, kw_only=True)
class Listeners:
    control: socket.socket
    http: socket.socket
    internal: tuple[socket.socket, ...]
    outside: tuple[socket.socket, ...] = ()
    containers: socket.socket | None = None

    @classmethod
    def open(
        cls, layout: Layout, http: Address, outside: Iterable[int] = (), *, containers: bool = False
    ) -> Self:
        """Raises CalzionError (conflict) where an address is taken."""
        with ExitStack() as opened:
            web = opened.enter_context(_listen(http, "--http"))
            ports = tuple(
                opened.enter_context(_listen(Address(http.host, port), "--tcp-ports")) for port in outside
            )
            internal = tuple(map(opened.enter_context, open_block(layout.router)))
            for_containers = opened.enter_context(open_container_port(layout.router)) if containers else None
            opened.pop_all()
        return cls(
            control=_control(layout), http=web, internal=internal, outside=ports, containers=for_containers
        )

    @property
    def descriptors(self) -> tuple[int, ...]:
        return tuple(listener.fileno() for listener in self._all)

    def close(self) -> None:
        for listener in self._all:
            listener.close()

    @property
    def _all(self) -> tuple[socket.socket, ...]:
        found = (self.control, self.http, *self.internal, *self.outside)
        return (*found, self.containers) if self.containers else found


def _listen(address: Address, flag: str) -> socket.socket:
    """`flag` is that of the setting which names the address."""
    try:
        family, _, _, _, name = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        both = family == socket.AF_INET6 and address.host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(name[:2], family=family, backlog=_BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        raise CalzionError(
            f"the router can't listen at {address}: {error.strerror or error}",
            hint=f"end what listens there, or choose another address with {flag}",
            code="conflict",
        ) from error


def _control(layout: Layout) -> socket.socket:
    """The socket of the runtime API, mode 0600 below DATA, which others can't enter."""
    path = layout.router_socket
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    listener.listen(128)
    return listener
