"""Connections from the network: their number, and the time that one has to say who it is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from calzion.controller.api import guests as limits
from calzion.controller.api.guests import Guests, network_of
from calzion.controller.api.limits import Buckets, Rate

PATIENCE = 30.0


class Rig:
    """Connections, each with its other end."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def connection(self) -> tuple[socket.socket, socket.socket]:
        ours, theirs = socket.socketpair()
        theirs.settimeout(PATIENCE)
        return self._stack.enter_context(ours), self._stack.enter_context(theirs)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with ExitStack() as stack:
        yield Rig(stack)


def test_who_does_not_say_who_it_is_is_ended(rig: Rig) -> None:
    guests = Guests(introduction=0.05)
    guests.watch()
    (silent, other), (known, _), (brief, ended) = (rig.connection() for _ in range(3))
    assert all(guests.admit(each, "192.0.2.1") for each in (known, silent, brief))
    guests.settle(known, "a", None)
    guests.settle(brief, "b", 0.05)
    assert other.recv(1) == b""
    assert ended.recv(1) == b"", "its token has expired"
    known.send(b"still here")


def test_a_token_that_is_taken_away_ends_its_connections(rig: Rig) -> None:
    guests = Guests()
    (first, gone), (second, _) = rig.connection(), rig.connection()
    for connection, token in ((first, "a"), (second, "b")):
        guests.admit(connection, "192.0.2.1")
        guests.settle(connection, token, 3600.0)
    guests.hang_up({"a"})
    assert gone.recv(1) == b""
    second.send(b"still here")


def test_there_is_room_for_so_many(rig: Rig) -> None:
    guests = Guests()
    connections = [rig.connection()[0] for _ in range(limits.MOST + 1)]
    unknown = [guests.admit(each, "192.0.2.1") for each in connections[: limits.MOST_UNKNOWN_OF_ADDRESS + 1]]
    assert unknown == [True] * limits.MOST_UNKNOWN_OF_ADDRESS + [False]
    assert guests.admit(connections[-1], "192.0.2.2"), "another address has room of its own"
    guests.leave(connections[0])
    assert guests.admit(connections[0], "192.0.2.1")


def test_those_with_a_token_are_not_without_number(rig: Rig) -> None:
    guests = Guests()
    admitted = 0
    for number in range(limits.MOST + 10):
        connection = rig.connection()[0]
        if guests.admit(connection, f"192.0.2.{number % 3}"):
            guests.settle(connection, "a", None)
            admitted += 1
    assert admitted == limits.MOST


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_whom_an_address_stands_for(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_bucket_fills_up_again_and_is_forgotten() -> None:
    buckets = Buckets(Rate(burst=2, per_second=0.5), most=2)
    assert [buckets.take("a", 0.0) for _ in range(3)] == [0, 0, 2]
    assert buckets.take("a", 1.0) == 1
    assert buckets.take("a", 2.0) == 0
    assert buckets.take("b", 2.0) == buckets.take("c", 2.0) == 0
    assert buckets.take("a", 2.0) == 0, "it was the oldest of three, where there is room for two"
