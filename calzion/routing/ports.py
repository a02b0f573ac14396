"""The ports at which stable addresses of services answer: one block, chosen once and kept."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from calzion.errors import CalzionError
from calzion.routing.state import write_durably

FIRST, COUNT, BLOCKS = 7077, 8, 100
_BACKLOG = 4096


def ports_file(router: Path) -> Path:
    return router / "ports.json"


def open_block(router: Path) -> list[socket.socket]:
    """Listening sockets of the block that was chosen at the first start, else of the first free block.

    Raises CalzionError (conflict) where the kept block is taken: running processes know these ports.
    """
    kept = _read(ports_file(router))
    if kept:
        return _open_kept(kept)
    for first in range(FIRST, FIRST + BLOCKS * COUNT, COUNT):
        ports = tuple(range(first, first + COUNT))
        try:
            sockets = _open(ports)
        except OSError:
            continue
        write_durably(ports_file(router), json.dumps(ports))
        return sockets
    raise CalzionError(f"no {COUNT} free ports were found from {FIRST} on", code="conflict")


def container_port_file(router: Path) -> Path:
    return router / "container-port.json"


def open_container_port(router: Path) -> socket.socket:
    """The listening socket for what containers send to services: on the port of the first start, else a free one.

    Open to every interface, as each deployment's containers arrive by one of their own; HAProxy turns others away.
    Raises CalzionError (conflict) where the kept port is taken.
    """
    file = container_port_file(router)
    kept = _read(file)
    for port in kept or range(FIRST - COUNT * BLOCKS, FIRST):
        try:
            listener = socket.create_server(("0.0.0.0", port), backlog=_BACKLOG)
        except OSError:
            continue
        write_durably(file, json.dumps([port]))
        return listener
    raise CalzionError(
        f"the port {kept[0]}, by which containers reach services, is taken" if kept else "no port is free",
        hint="end the program that took it, and start the router again",
        code="conflict",
    )


def _read(file: Path) -> tuple[int, ...]:
    try:
        return tuple(map(int, json.loads(file.read_text())))
    except (OSError, ValueError, TypeError):
        return ()


def _open_kept(ports: tuple[int, ...]) -> list[socket.socket]:
    try:
        return _open(ports)
    except OSError as error:
        raise CalzionError(
            f"ports {ports[0]} to {ports[-1]}, by which services meet, are taken: {error.strerror}",
            hint="end the program that took them, and start the router again",
            code="conflict",
        ) from error


def _open(ports: tuple[int, ...]) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for port in ports:
            sockets.append(_listen(port))
    except OSError:
        for opened in sockets:
            opened.close()
        raise
    return sockets


def _listen(port: int) -> socket.socket:
    """One socket for all of 127.64.0.0/10; bound to the loopback interface, out of reach from elsewhere."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _stay_on_loopback(listener)
        listener.bind(("0.0.0.0", port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _stay_on_loopback(listener: socket.socket) -> None:
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    except OSError:
        return  # not allowed here; HAProxy refuses other destinations itself
