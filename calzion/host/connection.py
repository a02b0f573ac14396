"""One client of the host daemon: lines of JSON in, lines of JSON out, nothing that blocks."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
from collections.abc import Callable, Sequence
from typing import Any

from calzion.errors import CalzionError
from calzion.host.loop import Loop

MOST_BYTES = 64 << 20
"""Of one request: the orders of thousands of instances."""


class Connection:
    """Hands the one request of a client to `handle`. `on_close` is called when the client has gone."""

    def __init__(
        self, loop: Loop, client: socket.socket, handle: Callable[[Connection, dict[str, Any]], None]
    ) -> None:
        client.setblocking(False)
        self.on_close: Callable[[], None] | None = None
        self._loop = loop
        self._socket = client
        self._handle = handle
        self._received = bytearray()
        self._unsent = bytearray()
        self._last = False
        self._closed = False
        loop.watch(client.fileno(), self._moved)

    def send(self, data: dict[str, Any], *, last: bool = False) -> None:
        """Send a line; after the last one the connection closes."""
        if self._closed:
            return
        self._unsent += json.dumps(data).encode() + b"\n"
        self._last = self._last or last
        self._flush()

    def hand_over(self, data: dict[str, Any], descriptors: Sequence[int]) -> None:
        """Send a line, the first, and duplicates of open files with it (SCM_RIGHTS, unix(7))."""
        try:
            socket.send_fds(self._socket, [json.dumps(data).encode() + b"\n"], descriptors)
        except OSError:
            self.close()

    def result(self, data: Any = None) -> None:
        self.send({"result": data}, last=True)

    def error(self, error: CalzionError) -> None:
        self.send({"error": error.as_dict()}, last=True)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._loop.unwatch(self._socket.fileno())
        self._socket.close()
        if self.on_close:
            self.on_close()

    def _moved(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush()
        if events & selectors.EVENT_READ and not self._closed:
            self._receive()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data or len(self._received) + len(data) > MOST_BYTES:
            self.close()
            return
        self._received += data
        if data.endswith(b"\n"):
            self._request()

    def _request(self) -> None:
        line, self._received = bytes(self._received), bytearray()
        try:
            self._handle(self, json.loads(line))
        except CalzionError as error:
            self.error(error)
        except (ValueError, KeyError, TypeError) as error:
            self.error(CalzionError(f"this request can't be understood: {error!r}", code="usage"))

    def _flush(self) -> None:
        try:
            with contextlib.suppress(BlockingIOError):
                del self._unsent[: self._socket.send(self._unsent)]
        except OSError:
            self.close()
            return
        if not self._unsent and self._last:
            self.close()
            return
        write = selectors.EVENT_WRITE if self._unsent else 0
        self._loop.watch(self._socket.fileno(), self._moved, selectors.EVENT_READ | write)
