"""A stand-in for the API: real HTTP on a unix socket, answering what a test told it to."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any


@dataclass
class Answer:
    """`body` is JSON data, or the chunks of an event stream."""

    body: Any = None
    chunks: Sequence[str] | None = None
    status: int = 200
    cut: bool = False


@dataclass
class FakeApi:
    """`answers` are keyed by "METHOD /path?query" below /v1; `seen` holds (request, body)."""

    path: Path
    answers: dict[str, Answer] = field(default_factory=dict)
    seen: list[tuple[str, Any]] = field(default_factory=list)

    def __enter__(self) -> FakeApi:
        self._server = _Server(str(self.path), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    pass


def _handler(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent: Any = json.loads(self.rfile.read(length)) if length else None
            if self.headers.get("Transfer-Encoding") == "chunked":
                sent = self._chunks()
            request = f"{self.command} {self.path.removeprefix('/v1')}"
            api.seen.append((request, sent))
            missing = Answer(
                status=404, body={"code": "not_found", "message": f"unexpected {request}", "hint": ""}
            )
            answer = api.answers.get(request, missing)
            self.send_response(answer.status)
            if answer.chunks is None:
                self._whole(json.dumps(answer.body).encode())
            else:
                self._stream(answer)

        do_GET = do_POST = do_DELETE = do_PUT = _answer

        def _chunks(self) -> bytes:
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _whole(self, body: bytes) -> None:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _stream(self, answer: Answer) -> None:
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for chunk in answer.chunks or ():
                data = chunk.encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()
            if answer.cut:
                self.close_connection = True
                return
            self.wfile.write(b"0\r\n\r\n")

        def address_string(self) -> str:
            return "client"

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def frame(data: dict[str, Any], number: int = 1, event: str = "event") -> str:
    return f"id: {number}\nevent: {event}\ndata: {json.dumps(data)}\n\n"
