"""The registry in the memory of the process that keeps it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from calzion.discovery.registration import (
    Change,
    Key,
    Registered,
    Registration,
    Selection,
    Snapshot,
    by_age,
)
from calzion.discovery.registry import lease_is_over
from calzion.discovery.view import View


@dataclass
class _Lease:
    ttl: int
    ends: float


class EmbeddedRegistry:
    """Implements `discovery.registry.Registry`. Safe to use from several threads.

    Revisions begin with the time, so that those of an earlier process are lower.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, first: int | None = None) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._revision = time.time_ns() if first is None else first
        self._leases: dict[str, _Lease] = {}
        self._instances: dict[Key, tuple[Registered, str]] = {}
        self._views: list[View] = []

    def grant(self, ttl: int) -> str:
        with self._lock:
            lease = uuid.uuid4().hex
            self._leases[lease] = _Lease(ttl, self._clock() + ttl)
            return lease

    def renew(self, lease: str) -> bool:
        with self._lock:
            self.expire()
            held = self._leases.get(lease)
            if held:
                held.ends = self._clock() + held.ttl
            return held is not None

    def register(self, lease: str, registration: Registration) -> None:
        with self._lock:
            self.expire()
            if lease not in self._leases:
                raise lease_is_over()
            known = self._instances.get(registration.key)
            if known and known[0].registration == registration:
                self._instances[registration.key] = (known[0], lease)
                return
            self._revision += 1
            instance = Registered(
                registration=registration, created=known[0].created if known else self._revision
            )
            self._instances[registration.key] = (instance, lease)
            for view in self._views:
                view.put(instance, self._revision)

    def withdraw(self, key: Key) -> None:
        with self._lock:
            if self._instances.pop(key, None):
                self._revision += 1
                for view in self._views:
                    view.remove(key, self._revision)

    def snapshot(self, selection: Selection) -> Snapshot:
        with self._lock:
            self.expire()
            found = [each for each, _ in self._instances.values() if selection.has(each.registration.key)]
            return Snapshot(
                selection=selection, revision=self._revision, instances=tuple(sorted(found, key=by_age))
            )

    def watch(self, since: Snapshot) -> EmbeddedWatch:
        with self._lock:
            view = View(since)
            view.bring(self.snapshot(since.selection))
            self._views.append(view)
            return EmbeddedWatch(self, view)

    def expire(self) -> float | None:
        """End leases whose time is over; seconds until the next one's is, None without any."""
        with self._lock:
            now = self._clock()
            over = {lease for lease, held in self._leases.items() if held.ends <= now}
            for lease in over:
                del self._leases[lease]
            for key in [key for key, (_, lease) in self._instances.items() if lease in over]:
                self.withdraw(key)
            return min((held.ends - now for held in self._leases.values()), default=None)

    def forget(self, view: View) -> None:
        with self._lock:
            self._views.remove(view)


class EmbeddedWatch:
    def __init__(self, registry: EmbeddedRegistry, view: View) -> None:
        self._registry = registry
        self._view = view

    def take(self, timeout: float) -> Sequence[Change]:
        deadline = time.monotonic() + timeout
        while True:
            next_end = self._registry.expire()
            left = deadline - time.monotonic()
            changes = self._view.take(max(0.0, left if next_end is None else min(left, next_end)))
            if changes or left <= 0:
                return changes

    def trouble(self) -> str:
        return ""

    def close(self) -> None:
        self._registry.forget(self._view)
