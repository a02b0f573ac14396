"""The SSH server's side of the push socket: JSON lines over a unix socket, a connection for each question."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calzion.errors import CalzionError
from calzion.gitreceive.request import PushRequest
from calzion.model import RepositoryName
from calzion.progress import Event
from calzion.sshd.command import Service

_ANSWER_WITHIN = 20.0
_MAX_LINE = 4 << 20


@dataclass(frozen=True, kw_only=True)
class User:
    """Who proved to own a key, and the address that it came from."""

    name: str
    fingerprint: str
    admin: bool = False
    address: str = ""


class Controller:
    """Asks the reconciler at `path`. Raises CalzionError (unreachable) where it does not answer."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def reachable(self) -> bool:
        with suppress(CalzionError):
            self._connect().close()
            return True
        return False

    def authorize(
        self,
        fingerprint: str,
        repository: RepositoryName | None = None,
        service: Service | None = None,
        address: str = "",
    ) -> User:
        """The key's user.

        Raises CalzionError: refused where it may not use the service or is not known, unreachable where nobody can say.
        """
        question = {
            "op": "authorize",
            "fingerprint": fingerprint,
            "repository": repository,
            "service": service,
            "address": address,
        }
        with self._connect() as connection:
            try:
                _send(connection, question)
                answer = json.loads(next(_lines(connection), b"null"))
            except (OSError, ValueError) as error:
                raise unreachable() from error
        if not isinstance(answer, dict) or "allowed" not in answer:
            raise unreachable()
        if answer.get("allowed") is not True:
            raise CalzionError(str(answer.get("message") or "this key may not do that"), code="refused")
        return User(
            name=str(answer.get("user", "")),
            fingerprint=fingerprint,
            admin=answer.get("admin") is True,
            address=address,
        )

    def push(self, request: PushRequest) -> PushTalk:
        connection = self._connect()
        connection.settimeout(None)
        try:
            _send(connection, {"op": "push", "push": request.as_dict()})
        except OSError as error:
            connection.close()
            raise unreachable() from error
        return PushTalk(connection)

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_ANSWER_WITHIN)
        try:
            connection.connect(str(self._path))
        except OSError as error:
            connection.close()
            raise unreachable() from error
        return connection


class PushTalk:
    """One push in the reconciler's hands."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._sending = threading.Lock()

    def fileno(self) -> int:
        return self._connection.fileno()

    def events(self) -> Iterator[Event]:
        """What happens, up to the last event, or to where the reconciler went away."""
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            for line in _lines(self._connection):
                event = Event.from_json(line.decode())
                yield event
                if event.is_last:
                    return

    def cancel(self) -> None:
        """Say that nobody waits any more; the last event still comes, and still decides."""
        self._say({"op": "cancel"})

    def ended(self, *, moved: bool) -> None:
        """Say what git did after the last event."""
        self._say({"op": "ended", "moved": moved})

    def close(self) -> None:
        with self._sending:
            self._connection.close()

    def _say(self, message: dict[str, Any]) -> None:
        with self._sending, suppress(OSError):
            _send(self._connection, message)


def unreachable() -> CalzionError:
    return CalzionError("Calzion's controller is not running; try again in a moment", code="unreachable")


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    connection.sendall(json.dumps(message).encode() + b"\n")


def _lines(connection: socket.socket) -> Iterator[bytes]:
    """Whole lines; raises ValueError beyond the longest one that is taken."""
    rest = b""
    while part := connection.recv(65536):
        *lines, rest = (rest + part).split(b"\n")
        yield from lines
        if len(rest) > _MAX_LINE:
            raise ValueError("a line without end")
