"""DISCOVERY_URL: instances of a deployment's services over HTTP, to be read alone.

GET /services/SERVICE/instances, and GET /services for all of the deployment that the token belongs to. With
`Accept: text/event-stream` the answer is a stream: the whole list at once, and again after every change.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from calzion.discovery.answers import listed
from calzion.discovery.door import Door
from calzion.discovery.embedded import EmbeddedRegistry
from calzion.discovery.registration import Selection, Snapshot
from calzion.errors import CODES, CalzionError

HEARTBEAT = 10.0
"""Seconds of silence after which a comment is sent: only writing tells that a client has left."""

MOST = 512
"""Connections at a time."""

_PATH = re.compile(r"/services(?:/(?P<service>[a-z0-9-]{1,63})/instances)?")
_STREAM = "text/event-stream"


class DiscoveryServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, door: Door, listener: socket.socket, registry: EmbeddedRegistry) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.door, self.registry = door, registry
        self._places = threading.BoundedSemaphore(MOST)

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, name="discovery", daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients leave as they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "calzion", ""
    timeout = 30
    server: DiscoveryServer

    def do_GET(self) -> None:
        try:
            selection = self._selection()
        except CalzionError as error:
            self._answer(CODES[error.code].http, error.as_dict())
            return
        snapshot = self.server.registry.snapshot(selection)
        if _STREAM in self.headers.get("Accept", ""):
            self._stream(snapshot)
        else:
            self._answer(200, listed(snapshot.instances))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: this is asked all the time."""

    def _selection(self) -> Selection:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        deployment = self.server.door.deployment_of(token.strip()) if scheme.lower() == "bearer" else None
        if deployment is None:
            raise CalzionError(
                "this takes the deployment's token",
                hint="send the header 'Authorization: Bearer $DISCOVERY_TOKEN'",
                code="refused",
            )
        match = _PATH.fullmatch(self.path)
        if not match:
            raise CalzionError(
                "there is nothing here", hint="ask for /services/SERVICE/instances", code="not_found"
            )
        return Selection(deployment=deployment, service=match["service"])

    def _answer(self, status: int, media: Any) -> None:
        body = json.dumps(media).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, snapshot: Snapshot) -> None:
        self.close_connection = True
        self.send_response(200)
        for name, value in (
            ("Content-Type", _STREAM),
            ("Cache-Control", "no-cache"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        registry = self.server.registry
        watch = registry.watch(snapshot)
        try:
            self._tell(snapshot)
            while True:
                if watch.take(HEARTBEAT):
                    self._tell(registry.snapshot(snapshot.selection))
                else:
                    self._write([": heartbeat", ""])
        finally:
            watch.close()

    def _tell(self, snapshot: Snapshot) -> None:
        data = json.dumps(listed(snapshot.instances))
        self._write([f"id: {snapshot.revision}", "event: instances", f"data: {data}", ""])

    def _write(self, lines: Iterable[str]) -> None:
        self.wfile.write("".join(f"{line}\n" for line in lines).encode())
