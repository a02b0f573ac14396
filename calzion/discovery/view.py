"""What one watcher has been told, beside what there is: the difference is what it is told next."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from calzion.discovery.registration import Change, Key, Registered, Selection, Snapshot, by_age


class View:
    """Filled by one thread, read by another. Its memory is bounded by what is registered, however slow the reader."""

    def __init__(self, since: Snapshot) -> None:
        self.selection: Selection = since.selection
        self._changed = threading.Condition()
        self._revision = since.revision
        self._there = _by_key(since)
        self._told = dict(self._there)

    def bring(self, snapshot: Snapshot) -> None:
        """Everything is as this says."""
        with self._changed:
            self._there, self._revision = _by_key(snapshot), snapshot.revision
            self._changed.notify_all()

    def put(self, instance: Registered, revision: int) -> None:
        if self.selection.has(instance.registration.key):
            with self._changed:
                self._there[instance.registration.key], self._revision = instance, revision
                self._changed.notify_all()

    def remove(self, key: Key, revision: int) -> None:
        with self._changed:
            if self._there.pop(key, None):
                self._revision = revision
                self._changed.notify_all()

    def take(self, timeout: float) -> list[Change]:
        with self._changed:
            self._changed.wait_for(lambda: self._there != self._told, timeout)
            changes = _difference(self._told, self._there, self._revision)
            self._told = dict(self._there)
            return changes


def _difference(
    told: Mapping[Key, Registered], there: Mapping[Key, Registered], revision: int
) -> list[Change]:
    """New ones first, so that nobody sees less than there is."""
    new = sorted((each for key, each in there.items() if told.get(key) != each), key=by_age)
    gone = sorted((each for key, each in told.items() if key not in there), key=by_age)
    return [
        *(Change(present=True, instance=each, revision=revision) for each in new),
        *(Change(present=False, instance=each, revision=revision) for each in gone),
    ]


def _by_key(snapshot: Snapshot) -> dict[Key, Registered]:
    return {each.registration.key: each for each in snapshot.instances}
