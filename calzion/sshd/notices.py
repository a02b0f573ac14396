"""What the limits did, told in the log: at once, and then not again and again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

_log = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds between two lines about one limit."""


class Notices:
    """Tells the first of a kind, and with the next that is told how many there were in between.

    Whoever bites at a limit a thousand times a second can't fill the log with it. Any thread may tell.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[str, float] = {}
        self._kept: dict[str, tuple[int, str]] = {}

    def tell(self, kind: str, text: str) -> None:
        with self._lock:
            now = self._clock()
            if now - self._told.get(kind, -EVERY) < EVERY:
                count, _ = self._kept.get(kind, (0, ""))
                self._kept[kind] = (count + 1, text)
                return
            self._told[kind] = now
        _log.warning("%s", text)

    def tell_rest(self) -> None:
        """Tell what was kept long enough: how often it happened, and the last of it."""
        with self._lock:
            now = self._clock()
            due = [kind for kind in self._kept if now - self._told[kind] >= EVERY]
            rest = [self._kept.pop(kind) for kind in due]
            self._told.update(dict.fromkeys(due, now))
        for count, text in rest:
            _log.warning("%d more times; the last: %s", count, text)
