"""Who builds when: so many at once, and never two of the same name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from calzion.errors import CalzionError
from calzion.model import Cancellation, Sink


class Turns:
    def __init__(self, parallel: int) -> None:
        self._parallel = parallel
        self._running: list[frozenset[str]] = []
        self._waiting: list[frozenset[str]] = []
        self._changed = threading.Condition()

    @contextmanager
    def take(
        self, names: frozenset[str], sink: Sink, source: str, cancellation: Cancellation
    ) -> Iterator[None]:
        """Wait for a free place in which none of `names` is in use; first come, first served.

        Raises CalzionError (cancelled).
        """
        undo = cancellation.on_cancel(self._wake)
        try:
            self._wait(names, sink, source, cancellation)
        finally:
            undo()
        try:
            yield
        finally:
            self._leave(names)

    def _wait(self, names: frozenset[str], sink: Sink, source: str, cancellation: Cancellation) -> None:
        with self._changed:
            self._waiting.append(names)
            told = False
            try:
                while not self._may_run(names):
                    if not told:
                        told = True
                        sink.log(self._reason(names), source=source)
                    _check(cancellation)
                    self._changed.wait()
                _check(cancellation)
                self._running.append(names)
            finally:
                _remove(self._waiting, names)
                self._changed.notify_all()

    def _may_run(self, names: frozenset[str]) -> bool:
        """Nobody who waits longer could run instead, or has a claim on the same name."""
        if len(self._running) >= self._parallel or any(names & other for other in self._running):
            return False
        for other in self._waiting:
            if other is names:
                break
            if names & other or not any(other & busy for busy in self._running):
                return False
        return True

    def _reason(self, names: frozenset[str]) -> str:
        if any(names & other for other in self._running):
            return "waiting for another build of this app"
        ahead = len(self._running) + len(self._waiting) - 1
        return f"waiting for {ahead} other build{'s' if ahead != 1 else ''}"

    def _leave(self, names: frozenset[str]) -> None:
        with self._changed:
            _remove(self._running, names)
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _remove(entries: list[frozenset[str]], names: frozenset[str]) -> None:
    """By identity: two builds may have equal names."""
    for index, entry in enumerate(entries):
        if entry is names:
            del entries[index]
            return


def _check(cancellation: Cancellation) -> None:
    if cancellation.cancelled():
        raise CalzionError("the build was cancelled", code="cancelled")
