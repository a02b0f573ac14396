"""One rollout at a time for each deployment; those that wait are served in the order of their coming."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from calzion.errors import CalzionError
from calzion.model import Cancellation


class CancellationToken:
    """A Cancellation that one side cancels and the other watches."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._calls: dict[int, Callable[[], None]] = {}
        self._next = 0

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            calls, self._calls = list(self._calls.values()), {}
        for call in calls:
            call()

    def cancelled(self) -> bool:
        return self._cancelled

    def on_cancel(self, call: Callable[[], None]) -> Callable[[], None]:
        with self._lock:
            if not self._cancelled:
                number, self._next = self._next, self._next + 1
                self._calls[number] = call
                return lambda: self._forget(number)
        call()
        return lambda: None

    def _forget(self, number: int) -> None:
        with self._lock:
            self._calls.pop(number, None)


def check_cancelled(cancellation: Cancellation) -> None:
    """Raises CalzionError (cancelled) where nobody waits for the result any more."""
    if cancellation.cancelled():
        raise CalzionError("cancelled: nothing has changed", code="cancelled")


class DeploymentLocks:
    """Locks by deployment, held by whoever rolls out. `holder` is such as `alice's push of 3f2a91c`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queues: dict[str, deque[tuple[object, str]]] = {}

    @contextmanager
    def hold(
        self, deployment: str, holder: str, cancellation: Cancellation, waiting: Callable[[str], None]
    ) -> Iterator[None]:
        """Wait for the lock, telling `waiting` who has it. Raises CalzionError (cancelled)."""
        ticket = object()
        with self._changed:
            queue = self._queues.setdefault(deployment, deque())
            queue.append((ticket, holder))
            ahead = queue[0][1]
        try:
            self._await_turn(deployment, ticket, ahead, cancellation, waiting)
            yield
        finally:
            self._leave(deployment, ticket)

    @contextmanager
    def try_hold(self, deployment: str, holder: str) -> Iterator[None]:
        """The lock at once. Raises CalzionError (cancelled) where somebody has it."""
        nobody_waits = CancellationToken()
        nobody_waits.cancel()
        with self.hold(deployment, holder, nobody_waits, lambda _: None):
            yield

    def holder(self, deployment: str) -> str | None:
        with self._changed:
            queue = self._queues.get(deployment)
            return queue[0][1] if queue else None

    def _await_turn(
        self,
        deployment: str,
        ticket: object,
        ahead: str,
        cancellation: Cancellation,
        waiting: Callable[[str], None],
    ) -> None:
        with self._changed:
            if self._queues[deployment][0][0] is ticket:
                return
        waiting(f"waiting for {ahead}")
        forget = cancellation.on_cancel(self._wake)
        try:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._queues[deployment][0][0] is ticket or cancellation.cancelled()
                )
        finally:
            forget()
        check_cancelled(cancellation)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _leave(self, deployment: str, ticket: object) -> None:
        with self._changed:
            queue = self._queues[deployment]
            remaining = deque(entry for entry in queue if entry[0] is not ticket)
            if remaining:
                self._queues[deployment] = remaining
            else:
                del self._queues[deployment]
            self._changed.notify_all()
