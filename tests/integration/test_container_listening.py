"""Who listens in another network namespace is seen from outside, without a connection; others are connected to."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator

import pytest

from calzion.discovery.attempts import PAUSE, Attempts
from calzion.discovery.listening import BELIEF, Listening
from calzion.model import Endpoint
from tests.integration.etcd_server import until

ADDRESS = "10.99.88.77"
CONTAINER = f'ip addr add {ADDRESS}/32 dev lo && ip link set lo up && exec python3 -uc "$0"'
SERVERS = """
import socket, sys
one = socket.create_server(("", 5000))
hidden = socket.create_server(("127.0.0.1", 5001))
print("listening")
sys.stdin.readline()
one.close()
print("closed")
sys.stdin.readline()
"""


@pytest.fixture
def container() -> Iterator[subprocess.Popen[str]]:
    command = ["unshare", "--map-root-user", "--net", "sh", "-c", CONTAINER, SERVERS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "listening\n"
        yield process
        process.kill()


def test_a_container_is_looked_into(container: subprocess.Popen[str]) -> None:
    now = 0.0
    listening = Listening(clock=lambda: now)
    every = {Endpoint(ADDRESS, 5000), Endpoint(ADDRESS, 5001), Endpoint("10.99.88.78", 5000)}
    assert listening(every) == {Endpoint(ADDRESS, 5000)}
    assert container.stdin and container.stdout
    container.stdin.write("\n")
    container.stdin.flush()
    assert container.stdout.readline() == "closed\n"
    now += BELIEF
    assert listening(every) == frozenset()


def test_a_container_that_ends_is_gone_at_once(container: subprocess.Popen[str]) -> None:
    listening = Listening(clock=lambda: 0.0)
    assert listening({Endpoint(ADDRESS, 5000)})
    container.kill()
    container.wait(10)
    assert not listening({Endpoint(ADDRESS, 5000)})


def test_others_are_connected_to_and_who_answers_late_is_not_gone() -> None:
    now = 0.0
    attempts = Attempts(clock=lambda: now)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        end = Endpoint(*server.getsockname())
        until(lambda: attempts.up({end}))
        full = [socket.socket() for _ in range(4)]
        for connection in full:
            connection.setblocking(False)
            connection.connect_ex((end.host, end.port))
        now += PAUSE
        assert attempts.up({end}) == attempts.up({end}) == {end}
        for connection in full:
            connection.close()
    now += PAUSE
    until(lambda: not attempts.up({end}))
