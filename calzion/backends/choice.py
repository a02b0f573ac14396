"""Which backend runs the services of a data directory: chosen at the first start, written down, and kept."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping

from calzion.layout import Layout

PROCESS, DOCKER, AUTO = "process", "docker", "auto"
_SOCKET = "/var/run/docker.sock"
_SECONDS = 3.0


def chosen_backend(layout: Layout) -> str | None:
    """The backend that was chosen, None before the first start."""
    try:
        return layout.backend.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def best_backend(environ: Mapping[str, str]) -> str:
    """What a first start takes where nobody says: containers where an engine of this machine answers."""
    return DOCKER if engine_answers(environ) else PROCESS


def engine_socket(environ: Mapping[str, str]) -> str | None:
    """The socket of the engine that is meant; None where that is reached by a network."""
    host = environ.get("DOCKER_HOST") or f"unix://{_SOCKET}"
    return host.removeprefix("unix://") if host.startswith("unix://") else None


def engine_answers(environ: Mapping[str, str]) -> bool:
    """Whether an engine of this machine says that it is well (GET /_ping of the Engine API)."""
    path = engine_socket(environ)
    if path is None:
        return False  # the router is here, and so are the instances
    connection = http.client.HTTPConnection("engine", timeout=_SECONDS)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            stream.settimeout(_SECONDS)
            stream.connect(path)
            connection.sock = stream
            connection.request("GET", "/_ping")
            return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
