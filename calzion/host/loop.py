"""The host daemon's one thread: files that become ready, times that come, and work done aside."""

from __future__ import annotations

import heapq
import itertools
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

Call = Callable[[], None]


@dataclass(eq=False)
class Timer:
    call: Call | None

    def cancel(self) -> None:
        self.call = None


class Loop:
    """Runs calls one after the other. Only `soon` and `aside` may be used from other threads."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._soon: deque[Call] = deque()
        self._stopped = False
        self._wakeup = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._awake)

    def watch(self, fd: int, call: Callable[[int], None], events: int = selectors.EVENT_READ) -> None:
        """Have `call` run with the events whenever the file is ready; again changes what is watched."""
        if fd in self._selector.get_map():
            self._selector.modify(fd, events, call)
        else:
            self._selector.register(fd, events, call)

    def unwatch(self, fd: int) -> None:
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def later(self, delay: float, call: Call) -> Timer:
        """Have `call` run once after `delay` seconds, unless cancelled."""
        timer = Timer(call)
        heapq.heappush(self._timers, (time.monotonic() + delay, next(self._order), timer))
        return timer

    def soon(self, call: Call) -> None:
        self._soon.append(call)
        os.eventfd_write(self._wakeup, 1)

    def aside(self, work: Call, done: Call | None = None) -> None:
        """Do slow work in a thread of its own, then `done` in the loop."""

        def both() -> None:
            try:
                work()
            finally:
                if done:
                    self.soon(done)

        threading.Thread(target=both, daemon=True).start()

    def stop(self) -> None:
        self._stopped = True
        os.eventfd_write(self._wakeup, 1)

    def run(self) -> None:
        while not self._stopped:
            for key, events in self._selector.select(self._pause()):
                current = self._selector.get_map().get(key.fd)
                if (
                    current is not None and current.data == key.data
                ):  # the number may be another file's by now
                    key.data(events)
            self._run_due()

    def _pause(self) -> float | None:
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        if self._soon:
            return 0.0
        return max(self._timers[0][0] - time.monotonic(), 0.0) if self._timers else None

    def _run_due(self) -> None:
        while self._soon:
            self._soon.popleft()()
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if timer.call is not None:
                timer.call()

    def _awake(self, _: int) -> None:
        os.eventfd_read(self._wakeup)
