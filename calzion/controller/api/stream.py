"""Answers that take time: an event stream (WHATWG server-sent events), or one document at the end."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import falcon

from calzion.errors import CODES, CalzionError

HEARTBEAT = 10.0
"""Seconds of silence after which a comment is sent: only writing tells that a client has left."""

LISTENING = 1.0
"""The same where a client's leaving cancels what it asked for."""

_END = object()


def respond(
    request: falcon.Request,
    response: falcon.Response,
    lines: Iterator[Mapping[str, Any]],
    first: int = 0,
    *,
    left: Callable[[], None] | None = None,
) -> None:
    """Stream the lines; with `Accept: application/json` wait for the last one and answer with it alone.

    `left` is called when the stream's client has gone, and at its end.
    """
    if request.accept == "application/json":
        _wait(response, lines)
        return
    response.content_type = "text/event-stream"
    response.set_header("Cache-Control", "no-cache")
    response.stream = _events(lines, first, left)


def _wait(response: falcon.Response, lines: Iterator[Mapping[str, Any]]) -> None:
    last: Mapping[str, Any] = {}
    for line in lines:
        last = line
    if last.get("kind") == "done":
        response.media = {"message": last.get("text", ""), **dict(last.get("detail") or {})}
        return
    detail = dict(last.get("detail") or {})
    error = CalzionError.from_dict(detail) if detail else CalzionError("the operation broke off")
    response.media = error.as_dict()
    response.status = falcon.code_to_http_status(CODES[error.code].http)


def _events(
    lines: Iterator[Mapping[str, Any]], first: int, left: Callable[[], None] | None
) -> Iterator[bytes]:
    number = first
    for line in _with_heartbeats(lines, left):
        if line is None:
            yield b": heartbeat\n\n"
            continue
        number += 1
        yield f"id: {number}\nevent: event\ndata: {json.dumps(line, ensure_ascii=False)}\n\n".encode()


def _with_heartbeats(
    lines: Iterator[Mapping[str, Any]], left: Callable[[], None] | None
) -> Iterator[Mapping[str, Any] | None]:
    waiting: queue.Queue[Any] = queue.Queue(maxsize=1000)
    gone = threading.Event()

    def read() -> None:
        try:
            for line in lines:
                _put(waiting, line, gone)
                if gone.is_set():
                    break
        except CalzionError as error:
            _put(waiting, {"kind": "error", "text": error.message, "detail": error.as_dict()}, gone)
        _put(waiting, _END, gone)

    threading.Thread(target=read, name="relay", daemon=True).start()
    try:
        while True:
            try:
                line = waiting.get(timeout=LISTENING if left else HEARTBEAT)
            except queue.Empty:
                yield None
                continue
            if line is _END:
                return
            yield line
    finally:
        gone.set()
        if left:
            left()


def _put(waiting: queue.Queue[Any], line: Any, gone: threading.Event) -> None:
    while not gone.is_set():
        try:
            waiting.put(line, timeout=1.0)
            return
        except queue.Full:
            continue
