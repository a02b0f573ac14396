"""Has the router of this machine lead to the routers of others."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from calzion.discovery.routes import Caution, Routes, RouteSource
from calzion.errors import CalzionError

_log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds between two attempts while the registry is away."""


class RouteFollower:
    """`known` are the routes that the router has already. `wanted` is asked before anything is changed: False where
    this machine's routes are somebody else's to make."""

    def __init__(
        self,
        source: RouteSource,
        known: Routes,
        apply: Callable[[Routes], None],
        wanted: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._caution = Caution(known)
        self._applied: Routes | None = None
        self._apply = apply
        self._wanted = wanted
        self._clock = clock
        self._stopping = threading.Event()
        self._trouble = ""

    def start(self) -> None:
        threading.Thread(target=self._run, name="routes", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set() and self._wanted():
            try:
                self._source.wait(self.step())
                self._tell("")
            except CalzionError as error:
                self._tell(f"{error.message} ({error.hint})" if error.hint else error.message)
                self._stopping.wait(PATIENCE)
            except Exception:
                _log.exception("following routes broke; what was routed stays")
                self._stopping.wait(PATIENCE)

    def step(self) -> int:
        """One look, and what follows from it; the revision that was seen."""
        snapshot = self._source.snapshot()
        believed = self._caution.believe(snapshot.routes, self._clock())
        if believed and believed != self._applied and self._wanted():
            self._apply(believed)
            self._applied = believed
        return snapshot.revision

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            _log.warning("%s; what was routed stays", trouble)
        elif self._trouble and not trouble:
            _log.info("routes are followed again")
        self._trouble = trouble
