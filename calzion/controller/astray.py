"""A new instance that is done with its start, but listens elsewhere than it was told to. Pure.

A program may open a port for its administrators or a debugger first and its own port later. So nothing is made of
ports that debuggers and runtimes are known to open, and of the others only when the program has had them for a while
without opening more and without doing anything: one that still loads its code is busy now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

SHARE = 1 / 6
"""Of the time that an instance has to come up: how long it has to rest before it is given up."""
SHORTEST = 5.0
"""Seconds."""

_DEBUGGERS = frozenset({4369, 5005, 5678, 9229})  # epmd, JDWP, debugpy, Node's inspector
_FIRST_EPHEMERAL = 32768  # Linux: such a port was chosen by nobody (Erlang's distribution, Java's RMI)


class Astray:
    """`grace` is how many seconds an instance has to come up."""

    def __init__(self, grace: float) -> None:
        self._patience = max(grace * SHARE, SHORTEST)
        self._ports: frozenset[int] = frozenset()
        self._since = 0.0

    def look(self, elsewhere: Collection[int], rests: Callable[[], bool], now: float) -> bool:
        """Whether it can be given up at `now`, in seconds; `elsewhere` are the ports on which it listens instead.

        Looks are several a second: what rests at all of them does nothing any more.
        """
        ports = frozenset(elsewhere)
        chosen = {port for port in ports - _DEBUGGERS if port < _FIRST_EPHEMERAL}
        if ports != self._ports or not chosen or not rests():
            self._ports, self._since = ports, now
            return False
        return now - self._since >= self._patience
