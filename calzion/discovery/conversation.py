"""One exchange with a server that need not be what it should be."""

from __future__ import annotations

import socket
import time

from calzion.model import Endpoint

ANSWER_LIMIT = 1 << 16
"""Bytes of an answer that are read at most."""


class Conversation:
    """A connection with one deadline for everything, so that a byte now and then gains no time.

    Every method raises OSError (TimeoutError at the deadline), and ValueError where the other side ends it or
    says too much; the message continues a sentence that begins with the endpoint.
    """

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._deadline = time.monotonic() + timeout
        self._socket = socket.create_connection((endpoint.host, endpoint.port), timeout)
        self._received = bytearray()
        self._taken = 0

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def say(self, data: bytes) -> None:
        self._socket.settimeout(self._left())
        self._socket.sendall(data)

    def line(self) -> bytes:
        """The next line without its end."""
        while (end := self._received.find(b"\n", self._taken)) < 0:
            self._receive()
        line = bytes(self._received[self._taken : end]).rstrip(b"\r")
        self._taken = end + 1
        return line

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        while len(self._received) < self._taken + count:
            self._receive()
        self._taken += count
        return bytes(self._received[self._taken - count : self._taken])

    def _receive(self) -> None:
        if len(self._received) >= ANSWER_LIMIT:
            raise ValueError("answered too much")
        self._socket.settimeout(self._left())
        chunk = self._socket.recv(4096)
        if not chunk:
            raise ValueError("closed the connection" + (" in mid-answer" if self._received else ""))
        self._received += chunk

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left
