"""Answers HAProxy's questions whether a password opens a domain, at a unix socket that HAProxy alone reaches."""

from __future__ import annotations

import os
import socketserver
import struct
import threading

from calzion.layout import Layout
from calzion.routing.credentials import BusyError, Credentials
from calzion.routing.spop import (
    GOODBYE,
    HELLO,
    MAX_FRAME,
    NOTIFY,
    Frame,
    acknowledge,
    agent_goodbye,
    agent_hello,
    arguments,
    health_check,
)


def start_doorkeeper(layout: Layout) -> None:
    """Answer in threads of this process, until it ends."""
    path = layout.door_socket
    path.parent.mkdir(exist_ok=True, mode=0o711)
    path.unlink(missing_ok=True)
    # For HAProxy's user, who sees nothing else; others can't enter the directory above it.
    mask = os.umask(0o111)
    try:
        server = _Server(str(path), Credentials(layout.router))
    finally:
        os.umask(mask)
    threading.Thread(target=server.serve_forever, name="doorkeeper", daemon=True).start()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: str, credentials: Credentials) -> None:
        self.credentials = credentials
        super().__init__(path, _Conversation)

    def handle_error(self, request: object, client_address: object) -> None:
        """HAProxy has gone, or said what is no such protocol: the conversation ends."""


class _Conversation(socketserver.StreamRequestHandler):
    """One connection of HAProxy's: a greeting, then one question after the other."""

    server: _Server

    def handle(self) -> None:
        hello = self._receive()
        if hello is None or hello.kind != HELLO:
            return
        self._send(agent_hello())
        if health_check(hello):
            return
        while frame := self._receive():
            if frame.kind == GOODBYE:
                self._send(agent_goodbye())
                return
            if frame.kind == NOTIFY:
                self._send(acknowledge(frame, self._answer(frame)))

    def _answer(self, question: Frame) -> dict[str, bool]:
        """Nothing where there is no verdict: HAProxy then lets nobody in, and says so."""
        given = arguments(question)
        domain, authorization = given.get("domain"), given.get("authorization")
        if not isinstance(domain, str) or not isinstance(authorization, str):
            return {"open": False}
        try:
            return {"open": self.server.credentials.open(domain.removeprefix("n:"), authorization)}
        except BusyError:
            return {}

    def _receive(self) -> Frame | None:
        head = self.rfile.read(4)
        if len(head) < 4:
            return None
        (length,) = struct.unpack("!I", head)
        if length > MAX_FRAME:
            raise ValueError("a frame is too long")
        return Frame.decode(self.rfile.read(length))

    def _send(self, frame: Frame) -> None:
        self.wfile.write(frame.encode())
