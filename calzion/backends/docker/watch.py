"""Being told when containers change, by the engine's own events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from docker.errors import APIError

from calzion.backends.docker.engine import Engine, reachable
from calzion.backends.docker.history import History
from calzion.errors import CalzionError

_PAUSE = 0.5  # seconds until an engine that went away is tried again
_OF_CONTAINERS = ("create", "start", "die", "oom", "pause", "unpause", "destroy", "stop")
_OF_NETWORKS = ("disconnect", "destroy")


class Watch:
    """Calls `changed` after every change, and whenever the engine is there again after it was away.

    What becomes of containers is told to `history` first.
    """

    def __init__(self, engine: Engine, history: History, changed: Callable[[], None]) -> None:
        self._engine = engine
        self._history = history
        self._changed = changed
        self._closed = threading.Event()
        self._streams: dict[str, Any] = {}
        for kind, watch in (("container", self._watch_containers), ("network", self._watch_networks)):
            threading.Thread(
                target=partial(self._keep_watching, watch), name=f"{kind}-watch", daemon=True
            ).start()

    def close(self) -> None:
        self._closed.set()
        for stream in tuple(self._streams.values()):
            stream.close()

    def _keep_watching(self, watch: Callable[[], None]) -> None:
        while not self._closed.is_set():
            try:
                with reachable():
                    watch()
            except (APIError, CalzionError, OSError, ValueError):
                pass  # the engine is away, or the stream was closed in the middle
            self._closed.wait(_PAUSE)

    def _watch_containers(self) -> None:
        self._watch("container", _OF_CONTAINERS, self._engine.filters())

    def _watch_networks(self) -> None:
        """An engine tells no labels of a network from which a container is cut off."""
        self._watch("network", _OF_NETWORKS, {})

    def _watch(self, kind: str, events: Sequence[str], filters: Mapping[str, Any]) -> None:
        wanted = {**filters, "type": kind, "event": list(events)}
        self._streams[kind] = self._engine.api.events(filters=wanted, decode=True)
        self._changed()
        for event in self._streams[kind]:
            self._history.learn(event)
            self._changed()
