"""The last that a client hears: a disconnect message (RFC 4253, 11.1), which ssh shows to whoever sits before it."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

import paramiko
from paramiko.common import cMSG_DISCONNECT

VERSION = "SSH-2.0-Calzion"

_BY_APPLICATION = 11
_BLOCK = 8
_HEARD_WITHIN = 1.0
_MOST = 64


def farewell(sentence: str) -> paramiko.Message:
    message = paramiko.Message()
    message.add_byte(cMSG_DISCONNECT)
    message.add_int(_BY_APPLICATION)
    message.add_string(sentence)
    message.add_string("en")
    return message


def in_clear(sentence: str) -> bytes:
    """All that a server says that says nothing else: its version, and the message before any keys (RFC 4253, 6)."""
    payload = farewell(sentence).asbytes()
    padding = _BLOCK + 3 - len(payload) % _BLOCK
    head = (1 + len(payload) + padding).to_bytes(4, "big") + bytes([padding])
    return f"{VERSION}\r\n".encode() + head + payload + bytes(padding)


class Leaving:
    """Clients that are turned away, kept until they had time to read why.

    A connection that is closed while something of the client's lies there unread is reset, and the answer is lost.
    Of one thread.
    """

    def __init__(self) -> None:
        self._sockets: list[tuple[float, socket.socket]] = []

    def send_off(self, connected: socket.socket, sentence: str) -> None:
        """Never waits: what a new connection's buffer does not take is not said."""
        connected.setblocking(False)
        with suppress(OSError):
            connected.send(in_clear(sentence))
            connected.shutdown(socket.SHUT_WR)
        self._sockets.append((time.monotonic(), connected))
        if len(self._sockets) > _MOST:
            self._sockets.pop(0)[1].close()

    def tidy(self, now: float) -> None:
        """Close those who had their time. `now` is monotonic."""
        while self._sockets and now - self._sockets[0][0] > _HEARD_WITHIN:
            self._sockets.pop(0)[1].close()

    def close(self) -> None:
        self.tidy(float("inf"))
