"""A task whose input and output go over one connection to the engine (the Engine API's attach)."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from math import ceil
from typing import Any

from docker.errors import APIError, NotFound

from calzion.backends.docker.engine import Engine, explain, reachable
from calzion.backends.docker.observe import exit_of
from calzion.backends.protocol import STDERR, STDOUT
from calzion.errors import CalzionError
from calzion.model import Exit, RunSpec, TerminalSize

_END_OF_INPUT = b"\x04"
_CHUNK = 64 * 1024
_HEADER = struct.Struct(">BxxxL")
"""Kind and length of what follows, where there is no terminal."""
_KINDS = {1: STDOUT, 2: STDERR}


class AttachedContainer:
    """See calzion.backends.protocol.Attached. `container` was created with an open standard input."""

    def __init__(
        self,
        engine: Engine,
        spec: RunSpec,
        container: str,
        terminal: TerminalSize | None,
        remove: Callable[[], None],
    ) -> None:
        self._engine, self._spec, self._container = engine, spec, container
        self._terminal = terminal is not None
        self._remove = remove
        self._left, self._kind = 0, STDOUT
        self._hung_up = threading.Event()
        self._closed = False
        try:
            with reachable():
                self._response, self._socket = _open(engine, container)
                engine.api.start(container)
        except APIError as error:
            remove()
            raise CalzionError(
                f"{spec.deployment}:{spec.service} can't be started: {explain(error)}", code="start"
            ) from error
        if terminal:
            self.resize(terminal)

    def read(self) -> tuple[str, bytes] | None:
        try:
            if self._terminal:
                data = self._socket.recv(_CHUNK)
                return (STDOUT, data) if data else None
            return self._read_frame()
        except OSError:
            return None

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendall(data)

    def end_input(self) -> None:
        with contextlib.suppress(OSError):
            if self._terminal:
                self._socket.sendall(_END_OF_INPUT)
            else:
                self._socket.shutdown(socket.SHUT_WR)

    def resize(self, size: TerminalSize) -> None:
        if self._terminal:
            with contextlib.suppress(APIError, CalzionError), reachable():
                self._engine.api.resize(self._container, height=size.rows, width=size.columns)

    def signal(self, name: str) -> None:
        with contextlib.suppress(APIError, CalzionError), reachable():
            self._engine.api.kill(self._container, name)

    def wait(self) -> Exit:
        with reachable():
            self._engine.api.wait(self._container, timeout=None)
            return exit_of(self._engine.api.inspect_container(self._container)["State"])

    def hang_up(self) -> None:
        if not self._hung_up.is_set():
            self._hung_up.set()
            threading.Thread(target=self._stop, name="hang-up", daemon=True).start()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._stop()
        self._response.close()
        self._remove()

    def _stop(self) -> None:
        with contextlib.suppress(NotFound, APIError, CalzionError), reachable():
            self._engine.api.stop(self._container, timeout=ceil(self._spec.stop.timeout))

    def _read_frame(self) -> tuple[str, bytes] | None:
        while not self._left:
            header = self._exactly(_HEADER.size)
            if not header:
                return None
            kind, self._left = _HEADER.unpack(header)
            self._kind = _KINDS.get(kind, STDOUT)
        data = self._socket.recv(min(self._left, _CHUNK))
        self._left -= len(data)
        return (self._kind, data) if data else None

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count and (data := self._socket.recv(count - len(found))):
            found += data
        return found if len(found) == count else b""


def _open(engine: Engine, container: str) -> tuple[Any, socket.socket]:
    """The connection, which the engine turned into a plain stream of bytes in both directions."""
    streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    response = engine.api.attach_socket(container, params=streams)
    connection: socket.socket = getattr(response, "_sock", response)
    connection.settimeout(None)
    return response, connection
