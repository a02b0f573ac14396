"""How many clients may be connected, and how long they may take to say who they are."""

from __future__ import annotations

from dataclasses import dataclass

from calzion.sshd.connection import Connection


@dataclass(frozen=True, kw_only=True)
class GateLimits:
    """Counts, and seconds until a client has to be logged in."""

    connections: int = 500
    unauthenticated: int = 100
    login_grace: float = 30.0


class Gate:
    """Used by one thread."""

    def __init__(self, limits: GateLimits) -> None:
        self._limits = limits
        self._connections: list[Connection] = []

    @property
    def connections(self) -> list[Connection]:
        return list(self._connections)

    def has_room(self) -> bool:
        strangers = sum(not connection.is_authenticated for connection in self._connections)
        return len(self._connections) < self._limits.connections and strangers < self._limits.unauthenticated

    def add(self, connection: Connection) -> None:
        self._connections.append(connection)

    def tidy(self, now: float) -> None:
        """Forget those that ended; end those that took too long. `now` is monotonic."""
        for connection in self._connections:
            if not connection.is_authenticated and now - connection.since > self._limits.login_grace:
                connection.hang_up()
        self._connections = [each for each in self._connections if each.is_open or each.is_busy]
