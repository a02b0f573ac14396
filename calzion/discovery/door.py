"""The port at which instances ask for one another, and the tokens that let each deployment see its own alone."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

from calzion.durable import replace_private
from calzion.errors import CalzionError
from calzion.model import DeploymentName

HOST = "127.0.0.1"
PORTS = range(6177, 6277)


@dataclass(frozen=True)
class Door:
    """Chosen at the first start and kept: running instances know port and token."""

    port: int
    key: bytes = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def token(self, deployment: DeploymentName) -> str:
        return f"{deployment}.{hmac.digest(self.key, deployment.encode(), hashlib.sha256).hex()}"

    def deployment_of(self, token: str) -> DeploymentName | None:
        """Whose token it is, None where it is nobody's."""
        try:
            deployment = DeploymentName.parse(token.partition(".")[0])
        except ValueError:
            return None
        return deployment if hmac.compare_digest(self.token(deployment).encode(), token.encode()) else None


def read_door(file: Path) -> Door | None:
    """None before there was one."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return Door(int(data["port"]), bytes.fromhex(data["key"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def open_door(file: Path) -> tuple[Door, socket.socket]:
    """The listening socket at the kept port, else at the first free one.

    Raises CalzionError (conflict) where the kept port, or every one, is taken.
    """
    kept = read_door(file)
    for port in (kept.port,) if kept else PORTS:
        try:
            listener = socket.create_server((HOST, port), backlog=128)
        except OSError:
            continue
        door = kept or Door(port, secrets.token_bytes(32))
        if not kept:
            _keep(file, door)
        return door, listener
    raise CalzionError(
        f"the port {kept.port}, where instances look for one another, is taken"
        if kept
        else "no port is free",
        hint="end the program that took it, and start the router again",
        code="conflict",
    )


def _keep(file: Path, door: Door) -> None:
    replace_private(file, json.dumps({"port": door.port, "key": door.key.hex()}).encode())
