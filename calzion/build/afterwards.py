"""Work on caches for which nobody waits: it begins when a build is over, and ends at once when the next one comes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from calzion.model import Cancellation


class Stop:
    """A Cancellation that its owner triggers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Callable[[], None]] = []
        self._event = threading.Event()

    def cancelled(self) -> bool:
        return self._event.is_set()

    def on_cancel(self, call: Callable[[], None]) -> Callable[[], None]:
        with self._lock:
            if not self.cancelled():
                self._calls.append(call)
                return lambda: self._forget(call)
        call()
        return lambda: None

    def cancel(self) -> None:
        with self._lock:
            self._event.set()
            calls, self._calls = self._calls, []
        for call in calls:
            call()

    def wait(self, seconds: float) -> bool:
        """True where it was cancelled meanwhile."""
        return self._event.wait(seconds)

    def _forget(self, call: Callable[[], None]) -> None:
        with self._lock:
            if call in self._calls:
                self._calls.remove(call)


@dataclass(frozen=True)
class _Job:
    thread: threading.Thread
    stop: Stop


class Afterwards:
    """One job a cache. `delay` seconds let what was just built start first.

    Starting and stopping jobs of one cache must not overlap; the turn that a build has sees to that.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._jobs: dict[str, _Job] = {}

    def start(self, cache: str, work: Callable[[Cancellation], None]) -> None:
        self.stop(cache)
        stop = Stop()
        thread = threading.Thread(target=self._run, args=(stop, work), name=f"after {cache}", daemon=True)
        self._jobs[cache] = _Job(thread, stop)
        thread.start()

    def stop(self, cache: str) -> None:
        """Returns when nothing of the cache's job runs any more."""
        job = self._jobs.pop(cache, None)
        if job:
            job.stop.cancel()
            job.thread.join()

    def wait(self, cache: str, seconds: float) -> bool:
        """Let the job come to its end; False where it takes longer."""
        job = self._jobs.get(cache)
        if job:
            job.thread.join(seconds)
        return not (job and job.thread.is_alive())

    def _run(self, stop: Stop, work: Callable[[Cancellation], None]) -> None:
        if not stop.wait(self._delay):
            work(stop)
