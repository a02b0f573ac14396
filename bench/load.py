"""A constant load of every kind of client, which counts what fails: a process of its own, driven by lines.

`python -m bench.load PORT HOST` runs until a line `stop` comes, and prints its counts as JSON. A line `streams` makes
it prove that the streams that were open at that moment still carry data, and open new ones.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

PATIENCE = 20.0
"""Seconds after which an answer counts as failed."""

_PAUSE = 0.01
_PING = b"\x81\x84\x00\x00\x00\x00ping"
_PONG = b"\x81\x04ping"


@dataclass
class Counts:
    """By kind of client. Latencies are seconds; `marks` tell which requests ran while something was deployed."""

    done: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    deploying: bool = False

    def as_dict(self) -> dict[str, object]:
        return {
            "requests": sum(self.done.values()) + sum(self.failed.values()),
            "failed": sum(self.failed.values()),
            "by_kind": dict(self.done),
            "failed_by_kind": dict(self.failed),
            "errors": self.errors[:10],
            "p50_quiet": percentile(self.quiet, 0.5),
            "p99_quiet": percentile(self.quiet, 0.99),
            "p50_busy": percentile(self.busy, 0.5),
            "p99_busy": percentile(self.busy, 0.99),
        }


def percentile(values: list[float], share: float) -> float:
    """0 where there is none."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 5) if ordered else 0.0


class Load:
    def __init__(self, port: int, host: str) -> None:
        self._port = port
        self._host = host
        self._stopping = asyncio.Event()
        self.counts = Counts()

    async def run(self) -> None:
        """Every client at once, until the last line of standard input."""
        clients = [
            asyncio.create_task(client)
            for client in (
                self._keep_alive("keep-alive", b"GET / HTTP/1.1"),
                self._keep_alive("keep-alive", b"GET / HTTP/1.1"),
                self._keep_alive("post", b"POST / HTTP/1.1", os.urandom(20_000)),
                self._fresh("fresh", b"GET / HTTP/1.1"),
                self._fresh("service to service", b"GET /call HTTP/1.1"),
                self._keep_alive("service to service", b"GET /call HTTP/1.1"),
            )
        ]
        sockets = [Stream(self, "websocket"), Stream(self, "events")]
        for stream in sockets:
            await stream.open()
        await self._obey(sockets)
        self._stopping.set()
        await asyncio.gather(*clients)

    async def _obey(self, streams: list[Stream]) -> None:
        while True:
            line = (await asyncio.to_thread(sys.stdin.readline)).strip()
            if line in ("", "stop"):
                return
            if line in ("busy", "quiet"):
                self.counts.deploying = line == "busy"
            if line == "streams":
                alive = [await stream.lives() for stream in streams]
                for stream in streams:
                    await stream.open()
                print(json.dumps({"open": sum(alive), "of": len(alive)}), flush=True)

    async def _keep_alive(self, kind: str, line: bytes, body: bytes = b"") -> None:
        reader, writer = await self.connect()
        while not self._stopping.is_set():
            if not await self._count(kind, lambda r=reader, w=writer: self.ask(r, w, line, body)):  # type: ignore[misc]
                writer.close()
                reader, writer = await self.connect()
            await asyncio.sleep(_PAUSE)
        writer.close()

    async def _fresh(self, kind: str, line: bytes) -> None:
        async def once() -> None:
            reader, writer = await self.connect()
            try:
                await self.ask(reader, writer, line, b"")
            finally:
                writer.close()

        while not self._stopping.is_set():
            await self._count(kind, once)
            await asyncio.sleep(_PAUSE)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port)

    async def _count(self, kind: str, request: Callable[[], Awaitable[None]]) -> bool:
        began = time.monotonic()
        try:
            await asyncio.wait_for(request(), PATIENCE)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            self.counts.failed[kind] += 1
            self.counts.errors.append(f"{kind}: {error!r}")
            return False
        self.counts.done[kind] += 1
        latencies = self.counts.busy if self.counts.deploying else self.counts.quiet
        latencies.append(time.monotonic() - began)
        return True

    async def ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes, body: bytes
    ) -> None:
        """Raises ValueError for any answer but 200 with the whole body."""
        head = b"%s\r\nHost: %s\r\nContent-Length: %d\r\n\r\n" % (line, self._host.encode(), len(body))
        writer.write(head + body)
        await writer.drain()
        answer = await reader.readuntil(b"\r\n\r\n")
        size = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        text = await reader.readexactly(size)
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise ValueError(f"{answer.splitlines()[0]!r} {text[:200]!r}")
        if body and text != body:
            raise ValueError("the body came back changed")


class Stream:
    """One long-lived connection."""

    def __init__(self, load: Load, kind: str) -> None:
        self._load = load
        self._kind = kind
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """A new connection, which is up when this returns; an older one is closed."""
        if self._writer:
            self._writer.close()
        self._reader, self._writer = await self._load.connect()
        path = "/socket" if self._kind == "websocket" else "/events"
        upgrade = (
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            if self._kind == "websocket"
            else ""
        )
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._load._host}\r\n{upgrade}\r\n".encode())
        await self._writer.drain()
        await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), PATIENCE)

    async def lives(self) -> bool:
        """Whether data still passes, now and not from a buffer."""
        assert self._reader and self._writer
        try:
            if self._kind == "websocket":
                self._writer.write(_PING)
                await self._writer.drain()
                return await asyncio.wait_for(self._reader.readexactly(len(_PONG)), PATIENCE) == _PONG
            while len(await asyncio.wait_for(self._reader.read(1 << 20), PATIENCE)) > 1000:
                pass  # what came while nobody read
            return bool(await asyncio.wait_for(self._reader.read(1 << 20), PATIENCE))
        except (OSError, EOFError, TimeoutError):
            return False


async def main() -> None:
    load = Load(int(sys.argv[1]), sys.argv[2])
    await load.run()
    print(json.dumps(load.counts.as_dict()), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
