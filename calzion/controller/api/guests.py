"""Connections from the network: how many there may be, and how long one may stay without saying who it is."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

MOST = 96
"""Fewer than the server's threads, so that the administrator's own socket always has some."""
MOST_OF_ADDRESS = 48
MOST_UNKNOWN = 32
MOST_UNKNOWN_OF_ADDRESS = 16
INTRODUCTION = 10.0
"""Seconds for a request's head, with a valid token in it."""


@dataclass
class _Guest:
    origin: str
    deadline: float | None
    token: str = ""


class Guests:
    """Safe to use from several threads."""

    def __init__(self, introduction: float = INTRODUCTION) -> None:
        self._introduction = introduction
        self._changed = threading.Condition()
        self._guests: dict[socket.socket, _Guest] = {}

    def watch(self) -> None:
        """Begin to end those whose time is over."""
        threading.Thread(target=self._watch, name="api-guests", daemon=True).start()

    def admit(self, connection: socket.socket, address: str) -> bool:
        """Whether there is room for one more."""
        origin = network_of(address)
        with self._changed:
            same = [each for each in self._guests.values() if each.origin == origin]
            unknown = [each for each in self._guests.values() if not each.token]
            if (
                len(self._guests) >= MOST
                or len(same) >= MOST_OF_ADDRESS
                or len(unknown) >= MOST_UNKNOWN
                or sum(not each.token for each in same) >= MOST_UNKNOWN_OF_ADDRESS
            ):
                return False
            self._guests[connection] = _Guest(origin, time.monotonic() + self._introduction)
            self._changed.notify()
        return True

    def settle(self, connection: socket.socket, token: str, seconds: float | None) -> None:
        """It has shown a token that is valid for so many seconds more."""
        with self._changed:
            if guest := self._guests.get(connection):
                guest.token = token
                guest.deadline = None if seconds is None else time.monotonic() + seconds
                self._changed.notify()

    def leave(self, connection: socket.socket) -> None:
        with self._changed:
            self._guests.pop(connection, None)

    def hang_up(self, tokens: set[str]) -> None:
        """End the connections of tokens that were taken away."""
        with self._changed:
            for connection, guest in self._guests.items():
                if guest.token in tokens:
                    _shut(connection)

    def _watch(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                for connection, guest in self._guests.items():
                    if guest.deadline is not None and guest.deadline <= now:
                        guest.deadline = None
                        _shut(connection)
                deadlines = [each.deadline for each in self._guests.values() if each.deadline is not None]
                # A day is no more than what a wait can be: it is looked at again then.
                self._changed.wait(min(86_400.0, max(0.0, min(deadlines) - now)) if deadlines else None)


def network_of(address: str) -> str:
    """Whom an address stands for: a host has a whole /64 of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    if mapped := found.ipv4_mapped:
        return str(mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
