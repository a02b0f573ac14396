"""A real router daemon with a real HAProxy, and small applications behind it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeVar

from calzion.layout import Layout
from calzion.model import Endpoint
from calzion.routing.haproxy import HaproxyRouter
from calzion.routing.record import RouterRecord, read_record, running_router
from calzion.routing.table import Pool, RouteTable

T = TypeVar("T")

_MAIN = """
import sys
from pathlib import Path
from typing import TypeVar
from calzion.config import Address
from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.routing.daemon import run_router
try:
    run_router(Layout(Path(sys.argv[1])), Address("127.0.0.1", int(sys.argv[2])), outside=map(int, sys.argv[3:]))
except CalzionError as error:
    sys.exit(error.message)
"""


def until(ask: Callable[[], T], seconds: float = 20.0) -> T:
    """Ask until the answer is true."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Rig:
    """`daemon` is the router daemon; `router` is what the controller would hold."""

    def __init__(self, data: Path, outside: Sequence[int] = ()) -> None:
        self.layout = Layout(data)
        self.outside = outside
        self.port = free_port()
        self.router = HaproxyRouter(self.layout)
        self.start()

    def start(self) -> None:
        self.daemon = self.command()
        until(lambda: self.record is not None)

    def command(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", _MAIN, str(self.layout.data), *map(str, (self.port, *self.outside))],
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def record(self) -> RouterRecord | None:
        return running_router(self.layout)

    @property
    def haproxy(self) -> int:
        record = until(lambda: self.record)
        assert record is not None
        return record.haproxy.pid

    def kill_haproxy(self) -> None:
        """kill -9, and wait until another one runs."""
        old = self.haproxy
        os.kill(old, signal.SIGKILL)
        until(lambda: (record := self.record) and record.haproxy.pid != old)

    def kill_daemon(self) -> None:
        self.daemon.kill()
        self._reap()

    def stop_daemon(self) -> int:
        self.daemon.terminate()
        return self._reap()

    def empty(self) -> None:
        """Leave the router without routes and pools."""
        self.router.apply(RouteTable())
        for pool in self.router.pools:
            self.router.retire(pool)

    def close(self) -> None:
        if self.daemon.poll() is None:
            self.daemon.terminate()
        self._reap()
        record = read_record(self.layout)
        if record and record.haproxy.alive:
            os.kill(record.haproxy.pid, signal.SIGKILL)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def get(self, host: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        connection = self.connect()
        try:
            connection.request("GET", "/", headers={"Host": host, **(headers or {})})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as client:
            client.sendall(request)
            return read_all(client)

    def _reap(self) -> int:
        self.daemon.communicate(timeout=30)
        return self.daemon.returncode


def read_all(client: socket.socket) -> bytes:
    received = b""
    while chunk := client.recv(1 << 16):
        received += chunk
    return received


class App:
    """Answers `/` with its name and the request's headers, `/events` with server-sent events, `POST` with the
    number of bytes that came; `/slow` only once `released` is set."""

    def __init__(self, name: str, address: str = "127.0.0.1") -> None:
        self.name = name
        self.arrived = threading.Event()
        self.released = threading.Event()
        self._server = _Server((address, 0), _Handler)
        self._server.app = self
        self.endpoint = Endpoint(address, self._server.server_port)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True
    app: App

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections end in the middle here; that is what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        if self.path == "/events":
            return self._events()
        if self.path == "/slow":
            self.server.app.arrived.set()
            self.server.app.released.wait(30)
        headers = [[name.lower(), value] for name, value in self.headers.items()]
        return self._answer(json.dumps({"app": self.server.app.name, "headers": headers}).encode())

    def do_POST(self) -> None:
        count, left = 0, int(self.headers["Content-Length"])
        while left and (chunk := self.rfile.read1(left)):
            self.server.app.arrived.set()
            count, left = count + len(chunk), left - len(chunk)
        self._answer(str(count).encode())

    def _events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.close_connection = True
        self.wfile.write(b"data: first\n\n")
        self.server.app.released.wait(30)
        self.wfile.write(b"data: last\n\n")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


def web(hosts: Mapping[str, str], pools: Mapping[str, tuple[Endpoint, ...]]) -> RouteTable:
    """A table of HTTP pools alone."""
    return RouteTable(
        hosts=hosts, pools={name: Pool(name=name, endpoints=endpoints) for name, endpoints in pools.items()}
    )


class Apps:
    """Makes apps, which end with it."""

    def __init__(self) -> None:
        self._made: list[App] = []

    def __call__(self, name: str, address: str = "127.0.0.1") -> App:
        self._made.append(App(name, address))
        return self._made[-1]

    def close(self) -> None:
        for each in self._made:
            each.close()
