"""What containers wrote, from the engine's own logs."""

from __future__ import annotations

import heapq
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from docker.errors import APIError, NotFound

from calzion.backends.docker.engine import Engine, reachable
from calzion.backends.docker.observe import seconds
from calzion.errors import CalzionError
from calzion.model import LogLine

_PAUSE = 0.2  # seconds until the log of a container that ended is followed again


class Logs(Iterator[LogLine]):
    """`containers` maps instances to container ids. The last lines of each, then, with `follow`, what comes."""

    def __init__(self, engine: Engine, containers: Mapping[str, str], lines: int, follow: bool) -> None:
        self._engine = engine
        self._closed = threading.Event()
        self._streams: set[Any] = set()
        self._queue: queue.SimpleQueue[LogLine | None] = queue.SimpleQueue()
        self._follow = follow
        tails = {id_: read_lines(engine, id_, container, lines) for id_, container in containers.items()}
        self._waiting = heapq.merge(*tails.values(), key=lambda line: line.time)
        if follow:
            began = time.time()
            for id_, container in containers.items():
                since = tails[id_][-1].time if tails[id_] else began
                thread = threading.Thread(
                    target=self._keep_reading, args=(id_, container, since), name="logs", daemon=True
                )
                thread.start()

    def __next__(self) -> LogLine:
        for line in self._waiting:
            return line
        if not self._follow or self._closed.is_set():
            raise StopIteration
        line_ = self._queue.get()
        if line_ is None:
            raise StopIteration
        return line_

    def close(self) -> None:
        self._closed.set()
        self._queue.put(None)
        for stream in tuple(self._streams):
            stream.close()

    def _keep_reading(self, id_: str, container: str, since: float) -> None:
        """The engine ends a stream with the container's process, which may be started again."""
        while not self._closed.is_set():
            try:
                with reachable():
                    since = self._read(id_, container, since)
            except NotFound:
                return
            except (APIError, CalzionError, OSError, ValueError):
                pass  # the engine is away, or the stream was closed in the middle
            self._closed.wait(_PAUSE)

    def _read(self, id_: str, container: str, since: float) -> float:
        stream = self._engine.api.logs(
            container, stream=True, follow=True, timestamps=True, tail="all", since=_before(since)
        )
        self._streams.add(stream)
        try:
            for line in parse(id_, stream):
                if self._closed.is_set():
                    break
                if line.time > since:
                    since = line.time
                    self._queue.put(line)
        finally:
            self._streams.discard(stream)
        return since


def read_lines(engine: Engine, id_: str, container: str, lines: int) -> list[LogLine]:
    """The last lines of a container, none where it is gone."""
    if not lines:
        return []
    try:
        with reachable():
            stream = engine.api.logs(container, stream=True, follow=False, timestamps=True, tail=lines)
            return list(parse(id_, stream))[-lines:]
    except NotFound:
        return []


def parse(id_: str, frames: Iterator[bytes]) -> Iterator[LogLine]:
    """Lines of frames that begin with their time; a long line comes in several frames, of which the last ends it."""
    held, first = b"", 0.0
    for frame in frames:
        stamp, _, text = frame.partition(b" ")
        if not held:
            first = seconds(stamp.decode("ascii", "replace"))
        held += text
        if held.endswith(b"\n"):
            yield LogLine(instance=id_, text=_text(held), time=first)
            held = b""
    if held:
        yield LogLine(instance=id_, text=_text(held), time=first)


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\r\n").decode("utf-8", "replace")


def _before(moment: float) -> float:
    """The engine counts from whole nanoseconds, of which a float has only some."""
    return max(moment - 0.001, 0.0)
