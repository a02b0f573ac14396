"""The API's client: HTTP/1.1 over the unix socket of this machine's administrator, or to a server elsewhere."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import SWITCHING_PROTOCOLS, HTTPConnection, HTTPException, HTTPResponse
from io import BufferedReader
from pathlib import Path
from typing import Any

from calzion.cli.remote import Remote
from calzion.cli.sse import Message, messages
from calzion.errors import CalzionError

TIMEOUT = 60.0
"""Seconds for an answer that is no stream; streams may be silent for as long as they like."""


class Client:
    """Paths are below /v1. Every call raises CalzionError: what the API refused, or `unreachable`."""

    def __init__(self, server: Path | Remote, timeout: float = TIMEOUT) -> None:
        self._server = server
        self._timeout = timeout

    def get(self, path: str) -> Any:
        return self._call("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._call("POST", path, body)

    def put(self, path: str, body: dict[str, Any]) -> Any:
        return self._call("PUT", path, body)

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path)

    def upload(self, path: str, chunks: Iterator[bytes]) -> Any:
        """PUT what `chunks` gives while it is made."""
        connection = self._connection(None)
        try:
            response = self._send_chunks(connection, path, chunks)
            if response.status >= 300:
                raise _refusal(response)
            return _json(response)
        finally:
            connection.close()

    def stream(self, method: str, path: str, body: dict[str, Any] | None = None) -> Iterator[Message]:
        """The messages of an event stream, until its end."""
        with self._answer(method, path, body, accept="text/event-stream") as (connection, response):
            if connection.sock is not None:
                connection.sock.settimeout(None)
            try:
                yield from messages(response)
            except (OSError, HTTPException) as error:
                raise lost() from error

    @contextmanager
    def upgrade(
        self, path: str, body: dict[str, Any], protocol: str
    ) -> Iterator[tuple[socket.socket, BufferedReader]]:
        """A connection that speaks another protocol after the request: to send on, and to read from."""
        headers = {"Connection": "Upgrade", "Upgrade": protocol}
        with self._answer("POST", path, body, "application/json", headers) as (connection, response):
            if response.status != SWITCHING_PROTOCOLS or connection.sock is None:
                raise CalzionError("the server does not know this; is it of another version?")
            connection.sock.settimeout(None)
            yield connection.sock, response.fp

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        with self._answer(method, path, body, accept="application/json") as (_, response):
            return _json(response) if response.status != 204 else None

    @contextmanager
    def _answer(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        accept: str,
        more: Mapping[str, str] | None = None,
    ) -> Iterator[tuple[HTTPConnection, HTTPResponse]]:
        connection = self._connection(self._timeout)
        headers = {"Accept": accept, **self._authorization(), **(more or {})}
        try:
            response = self._send(connection, method, path, body, headers)
            if response.status >= 300:
                raise _refusal(response)
            yield connection, response
        finally:
            connection.close()

    def _send(
        self,
        connection: HTTPConnection,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        headers: dict[str, str],
    ) -> HTTPResponse:
        self._connect(connection)
        try:
            if body is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, f"/v1{path}", json.dumps(body) if body is not None else None, headers)
            return connection.getresponse()
        except TimeoutError as error:
            raise CalzionError(
                f"Calzion did not answer within {self._timeout:g} seconds",
                code="unreachable",
                hint="see 'calzion status'",
            ) from error
        except (OSError, HTTPException) as error:
            raise lost() from error

    def _send_chunks(self, connection: HTTPConnection, path: str, chunks: Iterator[bytes]) -> HTTPResponse:
        self._connect(connection)
        headers = {"Accept": "application/json", "Transfer-Encoding": "chunked", **self._authorization()}
        try:
            # A refusal may come before the end of what is sent; then it says why.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request("PUT", f"/v1{path}", chunks, headers, encode_chunked=True)
            return connection.getresponse()
        except (OSError, HTTPException) as error:
            raise lost() from error

    def _connection(self, timeout: float | None) -> HTTPConnection:
        if isinstance(self._server, Path):
            return _UnixConnection(self._server, timeout)
        return self._server.connection(timeout)

    def _authorization(self) -> dict[str, str]:
        """RFC 6750, 2.1."""
        return {} if isinstance(self._server, Path) else {"Authorization": f"Bearer {self._server.token}"}

    def _connect(self, connection: HTTPConnection) -> None:
        try:
            connection.connect()
        except PermissionError as error:
            raise CalzionError(
                f"you may not use {self._server}",
                code="refused",
                hint="run this as the user who runs 'calzion serve'",
            ) from error
        except OSError as error:
            raise unreachable(self._server, str(error)) from error


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def unreachable(server: Path | Remote, reason: str) -> CalzionError:
    if not isinstance(server, Path):
        return CalzionError(
            f"no answer at {server.url}: {reason}",
            code="unreachable",
            hint="'calzion login URL' chooses another server, 'calzion logout' none",
        )
    return CalzionError(
        f"Calzion is not running (no answer at {server})",
        code="unreachable",
        hint="start it with: calzion serve",
    )


def lost() -> CalzionError:
    return CalzionError(
        "the connection to Calzion was lost before the end, so how this ended is not known",
        code="unreachable",
        hint="see 'calzion status' and 'calzion list'",
    )


def _json(response: HTTPResponse) -> Any:
    try:
        return json.loads(response.read())
    except ValueError as error:
        raise CalzionError("the server's answer can't be read: it is no JSON") from error
    except (OSError, HTTPException) as error:
        raise lost() from error


def _refusal(response: HTTPResponse) -> CalzionError:
    try:
        body = json.loads(response.read())
    except (OSError, HTTPException, ValueError):
        body = None
    if isinstance(body, dict) and "message" in body:
        return CalzionError.from_dict(body)
    code = "not_found" if response.status == 404 else "failed"
    return CalzionError(
        f"the server answered with status {response.status} and no reason",
        code=code,
        hint="its log is controller.log in the folder 'logs' of DATA",
    )
