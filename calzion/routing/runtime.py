"""HAProxy's runtime API: one connection, one command at a time, every reply checked.

The protocol is the interactive mode of HAProxy's management guide: a reply ends in a prompt, a payload in a
blank line, and errors are told in words alone.
"""

from __future__ import annotations

import csv
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from calzion.routing.configuration import MAP, server_options
from calzion.routing.slots import Server, is_slot

_PROMPT = b"\n> "
_PAYLOAD = 12_000
"""Bytes of one command's payload; HAProxy takes 16 KB with the command itself."""


class RuntimeApiError(Exception):
    """HAProxy went away, or answered otherwise than expected. What was begun may be done in part."""


class RuntimeApi:
    def __init__(self, path: Path, timeout: float = 10.0) -> None:
        """Connect. `timeout` is seconds for a part of a reply.

        Raises RuntimeApiError where nothing answers."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(str(path))
            self.ask("prompt")
        except OSError as error:
            self._socket.close()
            raise RuntimeApiError(str(error)) from error
        except RuntimeApiError:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, command: str) -> str:
        """Send one command, and return its reply without the blank lines around it."""
        try:
            self._socket.sendall(command.encode() + b"\n")
            return self._reply()
        except OSError as error:
            raise RuntimeApiError(str(error)) from error

    def expect(self, command: str, reply: str = "") -> None:
        """Raises RuntimeApiError where the reply is another one."""
        answer = self.ask(command)
        if answer != reply:
            raise RuntimeApiError(f"{command.splitlines()[0]}: {answer or 'no answer'}")

    def servers(self) -> dict[str, dict[str, bool]]:
        """slot -> server's name -> whether it takes traffic."""
        found: dict[str, dict[str, bool]] = {}
        for row in _table(self.ask("show servers state").partition("\n")[2], " "):
            if not is_slot(row["be_name"]):
                continue
            found.setdefault(row["be_name"], {})[row["srv_name"]] = row["srv_admin_state"] == "0"
        return found

    def add(self, server: Server) -> None:
        options = server_options(server.http)
        self.expect(f"add server {server.path} {server.address} {options}", "New server registered.")
        self.revive(server)

    def revive(self, server: Server) -> None:
        """Have the server take traffic."""
        self.expect(f"enable health {server.path}")
        self.expect(f"set server {server.path} state ready")

    def rest(self, server: Server) -> None:
        """Send nothing new to the server; what is open goes on."""
        self.expect(f"set server {server.path} state drain")

    def cut(self, server: Server) -> None:
        self.expect(f"shutdown sessions server {server.path}")

    def delete(self, server: Server) -> bool:
        """Delete a resting server; False while connections hold it. Entering maintenance closes the idle ones."""
        self.expect(f"set server {server.path} state maint")
        answer = self.ask(f"del server {server.path}")
        if answer == "Server deleted.":
            return True
        if "still has connections" in answer:
            return False
        raise RuntimeApiError(f"del server {server.path}: {answer}")

    def sessions(self, slot: str) -> dict[str, int]:
        """Open and queued sessions of each server of a slot; those of the whole slot are named BACKEND."""
        rows = _table(self.ask(f"show stat {slot} 6 -1"), ",")
        return {row["svname"]: int(row["scur"] or 0) + int(row["qcur"] or 0) for row in rows}

    def routes(self) -> dict[str, str]:
        lines = self.ask(f"show map {MAP}").splitlines()
        return {key: slot for _, key, slot in (line.split(" ", 2) for line in lines)}

    def replace_routes(self, routes: Mapping[str, str]) -> None:
        """Replace the whole map at one moment."""
        answer = self.ask(f"prepare map {MAP}")
        version = answer.removeprefix("New version created: ")
        if not version.isdigit():
            raise RuntimeApiError(f"prepare map: {answer}")
        for payload in payloads(f"{key} {slot}\n" for key, slot in sorted(routes.items())):
            self.expect(f"add map @{version} {MAP} <<\n{payload}")
        self.expect(f"commit map @{version} {MAP}")

    def _reply(self) -> str:
        received = bytearray()
        while not received.endswith(_PROMPT):
            chunk = self._socket.recv(1 << 16)
            if not chunk:
                raise RuntimeApiError("HAProxy closed the connection")
            received += chunk
        text = bytes(received[: -len(_PROMPT)]).decode(errors="replace")
        while text.startswith("+ "):  # one prompt for each line of a payload
            text = text[2:]
        return text.strip("\n")


def payloads(lines: Iterable[str]) -> Iterator[str]:
    """Join lines to payloads that HAProxy takes. None is empty."""
    payload = ""
    for line in lines:
        if len(payload) + len(line) > _PAYLOAD:
            yield payload
            payload = ""
        payload += line
    if payload:
        yield payload


def _table(text: str, delimiter: str) -> Iterator[dict[str, str]]:
    if not text.startswith("# "):
        raise RuntimeApiError(text.splitlines()[0] if text else "no answer")
    return iter(csv.DictReader(text[2:].splitlines(), delimiter=delimiter))
