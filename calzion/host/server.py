"""The host daemon's socket: what its clients may ask, one request a connection."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from calzion.errors import CalzionError
from calzion.host.check import Check
from calzion.host.connection import Connection
from calzion.host.fleet import Fleet
from calzion.host.loop import Loop
from calzion.host.start import Surroundings
from calzion.host.streams import Streams
from calzion.host.wire import spec_from_json, terminal_from_json
from calzion.model import Exit


class Server:
    """`notify` tells the watchers that something changed."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._watchers: set[Connection] = set()
        self._announced = False

    def notify(self) -> None:
        """Many changes at a time are told once."""
        if self._watchers and not self._announced:
            self._announced = True
            self._loop.soon(self._announce)

    def serve(self, listener: socket.socket, around: Surroundings, fleet: Fleet) -> None:
        """Answer clients from now on."""
        self._around, self._fleet = around, fleet
        self._operations: dict[str, Callable[[Connection, dict[str, Any]], None]] = {
            "ensure": self._ensure,
            "stop": self._stop,
            "forget": self._forget,
            "instances": self._instances,
            "instance": self._instance,
            "watch": self._watch,
            "run": self._run,
            "attach": self._attach,
            "signal": self._signal,
            "check": self._check,
            "shutdown": self._shutdown,
        }

        def accept(_: int) -> None:
            client, _address = listener.accept()
            Connection(self._loop, client, self._handle)

        self._loop.watch(listener.fileno(), accept)

    def _handle(self, connection: Connection, request: dict[str, Any]) -> None:
        operation = self._operations.get(request["op"])
        if operation is None:
            raise CalzionError(f"unknown request {request['op']!r}", code="usage")
        operation(connection, request)

    def _ensure(self, connection: Connection, request: dict[str, Any]) -> None:
        self._fleet.ensure([spec_from_json(spec) for spec in request["specs"]])
        connection.result()

    def _stop(self, connection: Connection, request: dict[str, Any]) -> None:
        self._fleet.stop(request["ids"], connection.result)

    def _forget(self, connection: Connection, request: dict[str, Any]) -> None:
        self._fleet.forget(request["ids"], connection.result)

    def _instances(self, connection: Connection, _: dict[str, Any]) -> None:
        connection.result(self._fleet.report())

    def _instance(self, connection: Connection, request: dict[str, Any]) -> None:
        connection.result(self._fleet.report_one(request["id"]))

    def _watch(self, connection: Connection, _: dict[str, Any]) -> None:
        self._watchers.add(connection)
        connection.on_close = lambda: self._watchers.discard(connection)
        connection.send({"changed": True})

    def _announce(self) -> None:
        self._announced = False
        for connection in tuple(self._watchers):
            connection.send({"changed": True})

    def _run(self, connection: Connection, request: dict[str, Any]) -> None:
        """A task lives as long as the client that asked for it, but for a restart of either."""
        spec = spec_from_json(request["spec"])
        if request.get("again"):
            self._fleet.attach(spec.id, _teller(connection))
        else:
            self._fleet.run(spec, _teller(connection))
        connection.on_close = lambda: self._fleet.forget([spec.id], lambda: None)

    def _attach(self, connection: Connection, request: dict[str, Any]) -> None:
        """A task whose client also gets its terminal, or its three pipes, with the first line of the answer."""
        spec = spec_from_json(request["spec"])
        try:
            streams = Streams(terminal_from_json(request["terminal"]))
        except OSError as error:
            raise CalzionError(f"no terminal can be made: {error}", code="start") from error
        try:
            streams.give(self._around.user(spec))
            self._fleet.run(spec, _teller(connection), streams)
            connection.on_close = lambda: self._fleet.forget([spec.id], lambda: None)
            connection.hand_over({"result": spec.id}, streams.outer)
        finally:
            streams.close()

    def _signal(self, connection: Connection, request: dict[str, Any]) -> None:
        instance = self._fleet.find(request["id"])
        if instance:
            instance.signal(request["name"])
        connection.result()

    def _check(self, connection: Connection, request: dict[str, Any]) -> None:
        spec = spec_from_json(request["spec"])
        instance = self._fleet.find(request["id"])
        if instance is None or instance.init is None or instance.record is None:
            raise CalzionError(f"{request['id']} does not run", code="not_found")
        try:
            check = Check(self._around.facilities, instance.init, instance.record.uid, spec)
        except OSError as error:
            raise CalzionError(f"the command can't be run in {request['id']}: {error}") from error
        connection.on_close = check.kill
        ends: list[Exit] = []

        def ended() -> None:
            connection.on_close = None
            connection.result(vars(ends[0]))

        self._loop.aside(lambda: ends.append(check.wait()), ended)

    def _shutdown(self, connection: Connection, _: dict[str, Any]) -> None:
        def stopped() -> None:
            connection.result()
            self._loop.stop()

        self._fleet.stop_all(stopped)


def _teller(connection: Connection) -> Callable[[Exit], None]:
    def ended(exit_: Exit) -> None:
        connection.on_close = None
        connection.result(vars(exit_))

    return ended


def listen(path: Path) -> socket.socket:
    """A listening unix socket for this user alone, in the place of one that a dead daemon left."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(128)
    return listener
