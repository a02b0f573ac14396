"""The routers that the contract holds for, each with clients and with instances that answer."""

from __future__ import annotations

import json
import os
import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress

from calzion.model import Endpoint
from calzion.routing.haproxy import HaproxyRouter
from calzion.routing.protocol import Router
from calzion.routing.table import RouteTable
from tests.fakes.router import FakeConnection, FakeRouter
from tests.integration.router_rig import App, Rig, read_all, until

SERVICE = "127.64.1.2"
"""The address of a service within its deployment."""


class Held(ABC):
    """A connection that stays open."""

    @abstractmethod
    def cut(self) -> bool:
        """Whether the router has ended it."""

    @abstractmethod
    def finish(self) -> None:
        """Have the instance end its answer."""


class RouterStage(ABC):
    router: Router

    @abstractmethod
    def instance(self, name: str) -> Endpoint:
        """Where a new instance listens that answers with its name."""

    @abstractmethod
    def ask(self, to: str | Endpoint) -> str:
        """The name of the instance that answers at a host name or at an address, '' for none."""

    @abstractmethod
    def hold(self, to: str | Endpoint) -> Held: ...

    @abstractmethod
    def away(self) -> AbstractContextManager[None]:
        """The router is dead meanwhile, and started again; whoever used it begins anew too."""

    def close(self) -> None:
        self.router.apply(RouteTable())
        for pool in self.router.pools:
            self.router.retire(pool)

    def internal(self, index: int = 0) -> Endpoint:
        return Endpoint(SERVICE, self.router.internal_ports[index])


class MemoryStage(RouterStage):
    def __init__(self) -> None:
        self.router: FakeRouter = FakeRouter()
        self._names: dict[Endpoint, str] = {}

    def instance(self, name: str) -> Endpoint:
        endpoint = Endpoint("127.0.0.1", 20_000 + len(self._names))
        self._names[endpoint] = name
        return endpoint

    def ask(self, to: str | Endpoint) -> str:
        connection = self.router.connect(to)
        if connection is None:
            return ""
        connection.open = False
        return self._names[connection.endpoint]

    def hold(self, to: str | Endpoint) -> Held:
        connection = self.router.connect(to)
        assert connection
        return _MemoryHeld(connection)

    @contextmanager
    def away(self) -> Iterator[None]:
        self.router.stop()
        yield
        self.router.start()


class _MemoryHeld(Held):
    def __init__(self, connection: FakeConnection) -> None:
        self._connection = connection

    def cut(self) -> bool:
        return not self._connection.open

    def finish(self) -> None:
        assert self._connection.open
        self._connection.open = False


class RealStage(RouterStage):
    """HAProxy and its daemon, used by what the controller would hold."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.router: HaproxyRouter = rig.router
        self._apps: list[App] = []

    def instance(self, name: str) -> Endpoint:
        self._apps.append(App(name))
        return self._apps[-1].endpoint

    def ask(self, to: str | Endpoint) -> str:
        try:
            with self._request(to, "/") as client:
                answer = read_all(client)
        except (ConnectionResetError, BrokenPipeError):
            return ""
        head, _, body = answer.partition(b"\r\n\r\n")
        return str(json.loads(body)["app"]) if b" 200 " in head[:15] else ""

    def hold(self, to: str | Endpoint) -> Held:
        client = self._request(to, "/events")
        received = b""
        while b"first" not in received:
            received += client.recv(1 << 16)
        return _RealHeld(client, self._apps)

    @contextmanager
    def away(self) -> Iterator[None]:
        haproxy = self._rig.record
        assert haproxy
        self._rig.kill_daemon()
        os.kill(haproxy.haproxy.pid, signal.SIGKILL)
        until(lambda: not haproxy.haproxy.alive)
        self.router = HaproxyRouter(self._rig.layout, patience=0.1)
        yield
        self._rig.start()
        self.router = self._rig.router = HaproxyRouter(self._rig.layout)

    def close(self) -> None:
        super().close()
        for app in self._apps:
            app.close()

    def _request(self, to: str | Endpoint, path: str) -> socket.socket:
        host, port = ("127.0.0.1", self._rig.port) if isinstance(to, str) else (to.host, to.port)
        client = socket.create_connection((host, port), timeout=20)
        name = to if isinstance(to, str) else "internal"
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        return client


class _RealHeld(Held):
    def __init__(self, client: socket.socket, apps: Sequence[App]) -> None:
        self._client = client
        self._apps = apps

    def cut(self) -> bool:
        with self._client, suppress(ConnectionResetError):
            return b"last" not in read_all(self._client)
        return True

    def finish(self) -> None:
        for app in self._apps:
            app.released.set()
        with self._client:
            assert b"last" in read_all(self._client)
