"""How many clients may be connected, and how long they may take to say who they are, or say nothing."""

from __future__ import annotations

import threading

from calzion.sshd.connection import Connection
from calzion.sshd.limits import SshLimits, origin_of
from calzion.sshd.notices import Notices


class Gate:
    """Of the thread that accepts; connections' own threads call `admit` alone."""

    def __init__(self, limits: SshLimits, notices: Notices) -> None:
        self._limits = limits
        self._notices = notices
        self._connections: list[Connection] = []
        self._lock = threading.Lock()

    @property
    def connections(self) -> list[Connection]:
        return list(self._connections)

    def refusal(self, address: str) -> str:
        """Why one more client can't come in from `address`, '' where it can."""
        limits, origin = self._limits, origin_of(address)
        strangers = [each for each in self._connections if not each.is_authenticated]
        for found, in_all, of_one, name, what in (
            (self._connections, limits.connections, limits.address_connections, "connections", "connections"),
            (strangers, limits.strangers, limits.address_strangers, "strangers", "logins at once"),
        ):
            if len(found) >= in_all:
                return self._too_many(f"{in_all} {what}", f"ssh-{name}")
            if sum(each.origin == origin for each in found) >= of_one:
                return self._too_many(f"{of_one} {what} from {origin}", f"ssh-address-{name}")
        return ""

    def add(self, connection: Connection) -> None:
        with self._lock:
            self._connections.append(connection)

    def admit(self, connection: Connection) -> str:
        """Why a client that has proved its key is turned away, '' where it is not: then it is counted to the key."""
        most, key = self._limits.key_connections, connection.key
        with self._lock:
            if connection.is_admitted:
                return ""
            if sum(each.is_admitted and each.key == key for each in self._connections) < most:
                connection.is_admitted = True
                return ""
        return self._too_many(f"{most} connections with the key {key}", "ssh-key-connections")

    def tidy(self, now: float) -> None:
        """Forget those that ended; end those that took too long. `now` is monotonic."""
        for connection in self._connections:
            if sentence := self._complaint(connection, now):
                connection.dismiss(sentence, now)
        with self._lock:
            self._connections = [each for each in self._connections if each.is_open or each.is_busy]
        self._notices.tell_rest()

    def _complaint(self, connection: Connection, now: float) -> str:
        limits, age = self._limits, now - connection.since
        if connection.farewell or not connection.is_open:
            return connection.farewell
        if not connection.has_keys:
            return self._late(
                connection, age, limits.handshake_timeout, "no key exchange", "ssh-handshake-timeout"
            )
        if not connection.is_authenticated:
            return self._late(connection, age, limits.login_timeout, "no login", "ssh-login-timeout")
        if refused := self.admit(connection):
            return refused
        silence = 0.0 if connection.is_busy else now - connection.quiet_since
        return self._late(connection, silence, limits.idle_timeout, "nothing was asked", "ssh-idle-timeout")

    def _late(self, connection: Connection, waited: float, most: float, what: str, setting: str) -> str:
        if waited <= most:
            return ""
        sentence = f"{what} within {most:g} seconds (setting {setting})"
        self._notices.tell(setting, f"{connection.address} is hung up on: {sentence}")
        return sentence

    def _too_many(self, what: str, setting: str) -> str:
        sentence = f"the server has {what}, and takes no more (setting {setting}); try again in a moment"
        self._notices.tell(setting, f"a client is turned away: {sentence}")
        return sentence
