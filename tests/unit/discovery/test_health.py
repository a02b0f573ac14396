"""Probes against servers that answer what a test wants."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from calzion.discovery.health import Check, ProbeKind, ProbeResult, probe
from calzion.model import Endpoint

Answer = Callable[[socket.socket], None]
Serve = Callable[[Answer | bytes], Endpoint]


class Peer:
    def __init__(self) -> None:
        self.received = b""
        self.gone = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []

    def serve(self, answer: Answer | bytes) -> Endpoint:
        self._threads.append(threading.Thread(target=self._run, args=(answer,)))
        self._threads[-1].start()
        return Endpoint("127.0.0.1", self._listener.getsockname()[1])

    def close(self) -> None:
        self.gone.set()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _run(self, answer: Answer | bytes) -> None:
        connection, _ = self._listener.accept()
        with connection:
            self.received = connection.recv(4096)
            try:
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(4096)
                else:
                    answer(connection)
            except OSError:
                return


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


def http(path: str = "/", timeout: float = 10.0) -> Check:
    return Check(kind=ProbeKind.HTTP, path=path, timeout=timeout)


def refused() -> Endpoint:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return Endpoint("127.0.0.1", listener.getsockname()[1])


def test_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = Endpoint("127.0.0.1", listener.getsockname()[1])
        assert probe(endpoint, Check()) == ProbeResult(up=True, reason="accepts connections")
    result = probe(endpoint, Check())
    assert not result.up
    assert "connection refused" in result.reason


@pytest.mark.parametrize("kind", list(ProbeKind))
def test_nobody_there(kind: ProbeKind) -> None:
    result = probe(refused(), Check(kind=kind))
    assert not result.up
    assert "refused" in result.reason


@pytest.mark.parametrize(
    ("status", "up"),
    [(200, True), (204, True), (301, True), (404, True), (499, True), (500, False), (503, False)],
)
def test_http_statuses(peer: Peer, status: int, up: bool) -> None:
    endpoint = peer.serve(f"HTTP/1.1 {status} Whatever\r\nLocation: http://elsewhere/\r\n\r\n".encode())
    assert probe(endpoint, http("/healthz")) == ProbeResult(
        up=up, reason=f"/healthz answered {status}", status=status
    )


def test_http_asks_as_it_should(peer: Peer) -> None:
    probe(peer.serve(b"HTTP/1.0 200\r\n\r\n"), Check(kind=ProbeKind.HTTP, path="/a?b=c", host="app.test"))
    lines = peer.received.split(b"\r\n")
    assert lines[0] == b"GET /a?b=c HTTP/1.1"
    assert b"Host: app.test" in lines
    assert b"Connection: close" in lines


def test_http_paths_can_not_add_headers(peer: Peer) -> None:
    probe(peer.serve(b"HTTP/1.1 200 OK\r\n\r\n"), http("/x HTTP/1.1\r\nEvil: yes\r\n\r\n"))
    assert b"\r\nEvil" not in peer.received
    assert peer.received.count(b"\r\n\r\n") == 1


def test_http_interim_answers_are_skipped(peer: Peer) -> None:
    endpoint = peer.serve(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 500 Oh\r\n\r\n")
    assert not probe(endpoint, http()).up


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 2xx\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"\xff\xfe\n", b"HTTP/1.1 200"],
)
def test_http_nonsense_is_down(peer: Peer, answer: bytes) -> None:
    assert not probe(peer.serve(answer), http()).up


def test_http_endless_answers_are_cut(peer: Peer) -> None:
    def flood(connection: socket.socket) -> None:
        while not peer.gone.is_set():
            connection.sendall(b"x" * 65536)

    result = probe(peer.serve(flood), http(timeout=60))
    assert (result.up, result.reason.split(" ", 1)[1]) == (False, "answered too much")


def test_http_a_byte_now_and_then_gains_no_time(peer: Peer) -> None:
    def drip(connection: socket.socket) -> None:
        while not peer.gone.wait(0.05):
            connection.sendall(b"x")

    begun = time.monotonic()
    result = probe(peer.serve(drip), http(timeout=0.4))
    assert not result.up
    assert "no answer within 0.4 s" in result.reason
    assert time.monotonic() - begun < 10


def _postgres_error(code: bytes, message: bytes) -> bytes:
    fields = b"SFATAL\0VFATAL\0C" + code + b"\0M" + message + b"\0\0"
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


@pytest.mark.parametrize(
    ("answer", "up", "reason"),
    [
        (b"R" + struct.pack("!II", 8, 10), True, "takes sessions"),
        (
            _postgres_error(b"57P03", b"the database system is starting up"),
            False,
            "says: the database system is starting up",
        ),
        (_postgres_error(b"28000", b"no pg_hba.conf entry"), True, "says: no pg_hba.conf entry"),
        (_postgres_error(b"57P03", b"\x1b[31mred\xff"), False, "says: ?[31mred\ufffd"),
    ],
)
def test_postgres(peer: Peer, answer: bytes, up: bool, reason: str) -> None:
    assert probe(peer.serve(answer), Check(kind=ProbeKind.POSTGRES)) == ProbeResult(up=up, reason=reason)
    assert peer.received[:8] == struct.pack("!II", len(peer.received), 196608)


@pytest.mark.parametrize("answer", [b"", b"E", b"E\xff\xff\xff\xff", b"HTTP/1.1 400\r\n", b"E\0\0\0\0"])
def test_postgres_nonsense_is_down(peer: Peer, answer: bytes) -> None:
    assert not probe(peer.serve(answer), Check(kind=ProbeKind.POSTGRES)).up


@pytest.mark.parametrize(
    ("answer", "up"),
    [
        (b"+PONG\r\n", True),
        (b"-NOAUTH Authentication required.\r\n", True),
        (b"-LOADING Redis is loading the dataset in memory\r\n", False),
        (b"-DENIED Redis is running in protected mode\r\n", False),
        (b"", False),
    ],
)
def test_redis(peer: Peer, answer: bytes, up: bool) -> None:
    assert probe(peer.serve(answer), Check(kind=ProbeKind.REDIS)).up is up
    assert peer.received == b"PING\r\n"
