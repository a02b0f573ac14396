"""What the backend runs, as last heard: asked again only after it said that something changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from calzion.backends.protocol import Backend
from calzion.model import Instance

MAX_AGE = 5.0
"""Seconds after which a snapshot is taken again even without word of a change, should a message be lost."""


class Observed:
    """A snapshot of the backend's instances, shared by everyone who waits for one."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._changed = threading.Condition()
        self._refreshing = threading.Lock()
        self._version = 0
        self._seen = -1
        self._taken = 0.0
        self._snapshot: Mapping[str, Instance] = {}
        backend.watch(self.touch)

    def touch(self) -> None:
        """Something changed."""
        with self._changed:
            self._version += 1
            self._changed.notify_all()

    def instances(self) -> Mapping[str, Instance]:
        """By id. Raises CalzionError (unreachable) where the backend does not answer."""
        with self._refreshing:
            with self._changed:
                version = self._version
            if self._seen != version or time.monotonic() - self._taken > MAX_AGE:
                self._snapshot = {instance.id: instance for instance in self._backend.instances()}
                self._seen, self._taken = version, time.monotonic()
            return self._snapshot

    @property
    def version(self) -> int:
        """Another one after every change."""
        with self._changed:
            return self._version

    def wait(self, timeout: float, since: int | None = None) -> None:
        """Return at the next change, or after `timeout` seconds; at once where there was one `since` a version."""
        with self._changed:
            version = self._version if since is None else since
            self._changed.wait_for(lambda: self._version != version, timeout)
