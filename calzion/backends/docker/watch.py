"""Being told when containers change, by the engine's own events."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from docker.errors import APIError

from calzion.backends.docker.engine import Engine, reachable
from calzion.errors import CalzionError

_PAUSE = 0.5  # seconds until an engine that went away is tried again
_ACTIONS = ("create", "start", "die", "oom", "pause", "unpause", "destroy", "stop")


class Watch:
    """Calls `changed` after every change, and whenever the engine is there again after it was away."""

    def __init__(self, engine: Engine, changed: Callable[[], None]) -> None:
        self._engine = engine
        self._changed = changed
        self._closed = threading.Event()
        self._stream: Any = None
        threading.Thread(target=self._keep_watching, name="engine-watch", daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        if self._stream is not None:
            self._stream.close()

    def _keep_watching(self) -> None:
        while not self._closed.is_set():
            try:
                with reachable():
                    self._watch()
            except (APIError, CalzionError, OSError, ValueError):
                pass  # the engine is away, or the stream was closed in the middle
            self._closed.wait(_PAUSE)

    def _watch(self) -> None:
        wanted = {**self._engine.filters(), "type": "container", "event": list(_ACTIONS)}
        self._stream = self._engine.api.events(filters=wanted, decode=False)
        self._changed()
        for _ in self._stream:
            self._changed()
