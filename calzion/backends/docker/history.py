"""What became of the earlier starts of containers: an engine starts again what ended, and forgets how it ended."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from calzion.backends.docker.labels import INSTANCE
from calzion.backends.docker.observe import exit_of_code
from calzion.model import Exit, LogLine

_KEPT = 4
_SOON = 2.0
"""Seconds in which a new start says less of a failure than the one before it."""


@dataclass
class _Life:
    """`starts` are seconds since the epoch, oldest first."""

    starts: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    exit: Exit | None = None
    oom: bool = False


class History:
    """Learns from the engine's events, as they are told. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lives: dict[str, _Life] = {}

    def learn(self, event: Mapping[str, Any]) -> None:
        """Take in one event of a container (GET /events)."""
        about = event["Actor"]["Attributes"]
        if (instance := about.get(INSTANCE)) is None:
            return
        with self._lock:
            life = self._lives.setdefault(instance, _Life())
            match event["Action"]:
                case "start":
                    life.starts.append(event["timeNano"] / 1e9)
                case "oom":
                    life.oom = True
                case "die":
                    life.exit = exit_of_code(int(about.get("exitCode", 0)), oom=life.oom)
                    life.oom = False
                case "destroy":
                    self._lives.pop(instance, None)

    def last_exit(self, instance: str) -> Exit | None:
        """How its last start ended, None where it did not, or nobody was there to see it."""
        with self._lock:
            life = self._lives.get(instance)
            return life.exit if life else None

    def telling(self, instance: str, lines: Sequence[LogLine], now: float) -> list[LogLine]:
        """Those of the lines that one start wrote: the last, or the one before it while the last is young."""
        with self._lock:
            life = self._lives.get(instance)
            starts = list(life.starts) if life else []
        if not starts:
            return list(lines)
        first, end = starts[-1], float("inf")
        if len(starts) > 1 and now - first < _SOON:
            first, end = starts[-2], first
        return [line for line in lines if first <= line.time < end] or list(lines)
