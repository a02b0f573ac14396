"""Talks to the host daemon over its socket: a connection a request, also across a restart of the daemon."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from calzion.errors import CalzionError

PATIENCE = 10.0
"""Seconds that a request waits for a daemon that is being started again."""
_PAUSE = 0.02


class Lost(Exception):
    """The daemon ended before it had answered."""


class Answer:
    """An open request whose answer comes in lines."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""

    def ready(self, timeout: float) -> bool:
        """Whether a line, or the end, can be read within `timeout` seconds."""
        return b"\n" in self._received or bool(select.select([self._connection], [], [], timeout)[0])

    def line(self) -> dict[str, Any]:
        """The next line. Raises Lost where none will come."""
        parts = [self._received]
        while b"\n" not in parts[-1]:
            try:
                parts.append(self._connection.recv(1 << 20))
            except OSError as error:
                raise Lost from error
            if not parts[-1]:
                raise Lost
        line, _, self._received = b"".join(parts).partition(b"\n")
        data: dict[str, Any] = json.loads(line)
        return data

    def result(self) -> Any:
        """The result. Raises what the daemon answered instead, and Lost."""
        data = self.line()
        if "error" in data:
            raise CalzionError.from_dict(data["error"])
        return data["result"]

    def handed(self, most: int) -> list[int]:
        """The open files that come with the result. Raises what the daemon answered instead, and Lost."""
        try:
            self._received, descriptors, _, _ = socket.recv_fds(
                self._connection, 1 << 16, most, socket.MSG_CMSG_CLOEXEC
            )
        except OSError as error:
            raise Lost from error
        self.result()
        return descriptors

    def close(self) -> None:
        """Also ends a `line` that another thread waits in."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class HostClient:
    """Requests may come from several threads. `patience` is how long one waits for a daemon that does not answer."""

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = patience

    def call(self, operation: str, **arguments: Any) -> Any:
        """The result of a request that may be repeated. Raises CalzionError: the daemon's, or unreachable."""
        for _ in range(3):
            try:
                with self.open(operation, **arguments) as answer:
                    return answer.result()
            except Lost:
                continue
        raise self._unreachable()

    def open(self, operation: str, **arguments: Any) -> Answer:
        """Send a request. Raises CalzionError (unreachable), and Lost."""
        request = json.dumps({"op": operation, **arguments}).encode() + b"\n"
        connection = self._connect()
        try:
            connection.sendall(request)
        except OSError as error:
            connection.close()
            raise Lost from error
        return Answer(connection)

    def _connect(self) -> socket.socket:
        for _ in _until(self._patience):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(str(self._path))
            except OSError:
                connection.close()
                continue
            return connection
        raise self._unreachable()

    def _unreachable(self) -> CalzionError:
        return CalzionError(
            f"the host daemon does not answer on {self._path}",
            hint="see 'calzion status'",
            code="unreachable",
        )


def _until(patience: float) -> Iterator[None]:
    deadline = time.monotonic() + patience
    yield
    while time.monotonic() < deadline:
        time.sleep(_PAUSE)
        yield
