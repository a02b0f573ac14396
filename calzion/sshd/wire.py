"""What Paramiko reads and writes: the client's socket, tuned, and bounded until the client is known."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from paramiko import SSHException
from paramiko.packet import Packetizer

MAX_PACKET = 1 << 18
"""Bytes; RFC 4253 (6.1) asks for 35000, OpenSSH takes as much as this."""

_BEFORE_LOGIN = 1 << 18
_QUICK = 1 << 16
_GONE_AFTER = 90_000


class Wire:
    """A connected TCP socket.

    Linux goes back to delayed acknowledgements by itself, and a client's small packets then wait 40 ms each:
    for the first bytes they are switched off again after each read. `before_read` is called before each read,
    when everything that was asked before has been answered.
    """

    def __init__(self, connected: socket.socket, before_read: Callable[[], None]) -> None:
        self._socket = connected
        self._before_read = before_read
        self._received = 0
        self.trusted = False
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _GONE_AFTER)

    def recv(self, size: int) -> bytes:
        self._before_read()
        data = self._socket.recv(min(size, MAX_PACKET))
        return data if self._may_go_on(len(data)) else b""

    def recv_into(self, buffer: memoryview) -> int:
        self._before_read()
        size = self._socket.recv_into(buffer)
        return size if self._may_go_on(size) else 0

    def _may_go_on(self, size: int) -> bool:
        self._received += size
        if self._received <= _QUICK:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return self.trusted or self._received <= _BEFORE_LOGIN

    def send(self, data: bytes) -> int:
        return self._socket.send(data)

    def settimeout(self, seconds: float | None) -> None:
        self._socket.settimeout(seconds)

    def getpeername(self) -> Any:
        return self._socket.getpeername()

    def hang_up(self) -> None:
        """End the connection, from any thread; what reads from it sees its end."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()


class BoundedPacketizer(Packetizer):
    """Refuses a packet's claimed length before anything is read or kept for it."""

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        self.check_size(n)
        return super().read_all(n, check_rekey)

    @staticmethod
    def check_size(size: int) -> None:
        if not 0 <= size <= MAX_PACKET + 1024:
            raise SSHException(f"a packet can't have {size} bytes")
