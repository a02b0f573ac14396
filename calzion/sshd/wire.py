"""What Paramiko reads and writes: the client's socket, tuned, and bounded, more so until the client is known."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from paramiko import Message, SSHException
from paramiko.common import MSG_KEXINIT
from paramiko.packet import Packetizer

MAX_PACKET = 1 << 18
"""Bytes; RFC 4253 (6.1) asks for 35000, OpenSSH takes as much as this."""

_BEFORE_LOGIN = 1 << 18
ADDITIONS = 256
"""More than the bytes of a packet that its length does not count: the length itself, a cipher's block, a MAC."""
_QUICK = 1 << 16
_GONE_AFTER = 90_000


class Wire:
    """A connected TCP socket.

    Linux goes back to delayed acknowledgements by itself, and a client's small packets then wait 40 ms each:
    for the first bytes they are switched off again after each read. `before_read` is called before each read,
    when everything that was asked before has been answered, `on_excess` when there will be no more reading.
    """

    def __init__(
        self,
        connected: socket.socket,
        before_read: Callable[[], None],
        on_excess: Callable[[str], None],
    ) -> None:
        self._socket = connected
        self._before_read = before_read
        self._on_excess = on_excess
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
        if self.trusted or self._received <= _BEFORE_LOGIN:
            return True
        self._on_excess(f"more than {_BEFORE_LOGIN} bytes before a login")
        return False

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

    @property
    def _closed(self) -> bool:
        """As Paramiko asks a socket when the process ends."""
        return self._socket.fileno() < 0


class BoundedPacketizer(Packetizer):
    """Refuses a packet's claimed length before anything is read or kept for it.

    Paramiko's own watch over the time is a thread for each connection; the gate keeps it here.
    """

    def __init__(self, wire: Wire) -> None:
        super().__init__(cast(socket.socket, wire))
        self.max_packet = MAX_PACKET
        self.on_excess: Callable[[str], object] = str
        self.voids_next: Callable[[Message], bool] = bool
        """Whether the packet after a client's KEXINIT is to be passed over."""
        self.takes: Callable[[int, Message], bool] = lambda *_: True
        """Whether a message is for Paramiko; the others were answered."""
        self._passes_over = False

    def start_handshake(self, timeout: float) -> None:  # noqa: ARG002  # Paramiko's signature
        return

    def read_message(self) -> tuple[int, Message]:
        while not self.takes(*(read := self._read_valid())):
            pass
        return read

    def _read_valid(self) -> tuple[int, Message]:
        if self._passes_over:
            self.read_one()
            self._passes_over = False
        kind, message = self.read_one()
        self._passes_over = kind == MSG_KEXINIT and self.voids_next(message)
        return kind, message

    def read_one(self) -> tuple[int, Message]:
        """The next message, whatever came before."""
        return super().read_message()

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        self.check_size(n, most=self.max_packet + ADDITIONS)
        return super().read_all(n, check_rekey)

    def check_size(self, size: int, *, most: int, least: int = 0) -> None:
        if least <= size <= most:
            return
        sentence = f"a packet of {size} bytes, where {self.max_packet} are the most"
        self.on_excess(sentence)
        raise SSHException(sentence)
