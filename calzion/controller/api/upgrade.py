"""Connections that stop being HTTP (RFC 9110, 7.8): what goes over them is carried to the reconciler and back."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import falcon

from calzion.controller.api.gate import limit_waits
from calzion.errors import CalzionError

_BLOCK = 1 << 16
_FAREWELL = 5.0
"""Seconds that a client has to close its side after the end."""


def upgraded(request: falcon.Request, protocol: str) -> socket.socket:
    """The connection of a request that asks for the protocol. Raises CalzionError (usage) where it does not."""
    wanted = (request.get_header("Upgrade") or "").lower()
    client = request.env.get("gunicorn.socket")
    if wanted != protocol or not isinstance(client, socket.socket):
        raise CalzionError(
            f"this needs a connection that can be upgraded to {protocol}",
            hint="use the command 'calzion', which does so",
            code="usage",
        )
    return client


def relay(client: socket.socket, server: socket.socket, protocol: str) -> None:
    """Switch the client's connection over, and carry bytes both ways until either side ends. It is closed then."""
    client.settimeout(None)
    _keep_alive(client)
    with suppress(OSError):
        client.sendall(
            f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n".encode()
        )
    gone = threading.Event()
    back = threading.Thread(target=_carry_back, args=(server, client, gone), name="run-back", daemon=True)
    back.start()
    _carry(client, server)
    gone.set()
    with suppress(OSError):
        server.shutdown(socket.SHUT_RDWR)
    back.join()


def _carry_back(server: socket.socket, client: socket.socket, gone: threading.Event) -> None:
    """The client closes first, so that nothing on its way to it is lost. What HTTP would answer goes nowhere then."""
    _carry(server, client)
    with suppress(OSError):
        client.shutdown(socket.SHUT_WR)
        gone.wait(_FAREWELL)
        client.shutdown(socket.SHUT_RDWR)


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_BLOCK):
            target.sendall(data)


def _keep_alive(client: socket.socket) -> None:
    """Notice within a minute that the other end of a network is gone."""
    if client.family in (socket.AF_INET, socket.AF_INET6):
        limit_waits(client, 0)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option, value in ((socket.TCP_KEEPIDLE, 20), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3)):
            client.setsockopt(socket.IPPROTO_TCP, option, value)
