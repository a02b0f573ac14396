"""JSON lines over a unix socket: one question a connection, answered by lines; the peer may say more meanwhile."""

from __future__ import annotations

import json
import logging
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from calzion.errors import CalzionError
from calzion.progress import Event

_log = logging.getLogger(__name__)

MAX_LINE = 4 << 20


class Channel:
    """One accepted connection. Sending to a peer that is gone is no error: it only no longer listens.

    After the answer an operation may go on with `connection` and `reader` in another manner.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.reader = connection.makefile("rb")
        self._lock = threading.Lock()
        self.gone = threading.Event()

    def send(self, message: Mapping[str, Any]) -> None:
        self._write(json.dumps(message, ensure_ascii=False))

    def tell(self, event: Event) -> None:
        self._write(event.to_json())

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the peer says, until it hangs up. Anything that is no JSON object ends the conversation."""
        with suppress(OSError, ValueError):
            while line := self.reader.readline(MAX_LINE + 1):
                message = json.loads(line)
                if len(line) > MAX_LINE or not isinstance(message, dict):
                    break
                yield message
        self.gone.set()

    def _write(self, line: str) -> None:
        try:
            with self._lock:
                # What is no text (a file's name may be none) becomes an escape that JSON knows.
                self.connection.sendall(line.encode(errors="backslashreplace") + b"\n")
        except OSError:
            self.gone.set()


Operation = Callable[[dict[str, Any], Channel], None]


class ChannelServer:
    """Serves named operations on a socket that only the owner of its directory may open. A thread a connection."""

    def __init__(self, path: Path, operations: Mapping[str, Operation]) -> None:
        self._server = _Server(path, operations)
        self._thread = threading.Thread(target=self._server.serve_forever, name=path.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, path: Path, operations: Mapping[str, Operation]) -> None:
        self.operations = operations
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            super().__init__(str(path), _Handler)
        finally:
            os.umask(before)
        owner = path.parent.stat()
        if owner.st_uid != os.geteuid():
            os.chown(path, owner.st_uid, owner.st_gid)


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        channel = Channel(self.request)
        message = next(channel.messages(), None)
        if message is None:
            return
        operation = self.server.operations.get(str(message.get("op")))
        try:
            if operation is None:
                raise CalzionError(f"unknown operation {message.get('op')!r}", code="usage")
            operation(message, channel)
        except CalzionError as error:
            if not error.told:
                channel.tell(error_event(error))
        except Exception as error:
            _log.exception("operation %s broke", message.get("op"))
            broken = CalzionError(
                f"Calzion itself failed: {type(error).__name__}: {error}",
                hint="its log (logs/reconciler.log below the data directory) has the cause",
            )
            channel.tell(error_event(broken))


def error_event(error: CalzionError) -> Event:
    return Event(kind="error", text=error.message, detail=error.as_dict())


class Conversation:
    """One question to such a server. Raises CalzionError (unreachable) where nobody serves the socket."""

    def __init__(self, path: Path, message: Mapping[str, Any]) -> None:
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._connection.connect(str(path))
            self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            self._connection.close()
            raise _unreachable() from error

    def handed_over(self) -> tuple[Any, socket.socket]:
        """The answer, which is one line, and the connection behind it, of which nothing is read yet.

        Raises the CalzionError that was answered.
        """
        line = bytearray()
        while not line.endswith(b"\n"):
            byte = self._connection.recv(1)
            if not byte:
                self._connection.close()
                raise _unreachable()
            line += byte
        answer: dict[str, Any] = json.loads(line)
        if answer.get("kind") == "error":
            self._connection.close()
            raise CalzionError.from_dict(dict(answer.get("detail") or {}))
        return answer["answer"], self._connection

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines of the answer. Closing the iterator hangs up."""
        try:
            with self._connection.makefile("rb") as reader:
                for line in reader:
                    yield json.loads(line)
        finally:
            self._connection.close()

    def hang_up(self) -> None:
        """End the lines, also while another thread waits for the next one."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


def ask(path: Path, message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Send one question and yield the lines of its answer. Closing the iterator hangs up.

    Raises CalzionError (unreachable) where nobody serves the socket.
    """
    yield from Conversation(path, message).lines()


def _unreachable() -> CalzionError:
    return CalzionError(
        "Calzion's reconciler is not running",
        hint="try again in a moment; see 'calzion status'",
        code="unreachable",
    )
