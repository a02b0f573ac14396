"""How often somebody may ask: a bucket for each address and each token, which fills up again with time."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

MOST_BUCKETS = 10_000
"""Beyond them those that have filled up again are forgotten, then the oldest: memory stays bounded."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """`burst` at once, and `per_second` after that."""

    burst: float
    per_second: float


FAILURES = Rate(burst=20, per_second=0.2)
"""Of one address."""
REQUESTS = Rate(burst=200, per_second=50)
"""Of one token."""


class Buckets:
    """Safe to use from several threads. Times are monotonic seconds."""

    def __init__(self, rate: Rate, most: int = MOST_BUCKETS) -> None:
        self._rate = rate
        self._most = most
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, who: str, now: float) -> int:
        """Take one; returns 0, or the seconds until there is one again."""
        with self._lock:
            left, since = self._left.pop(who, (self._rate.burst, now))
            left = min(self._rate.burst, left + (now - since) * self._rate.per_second)
            enough = left >= 1
            self._left[who] = (left - 1 if enough else left, now)
            self._forget(now)
        return 0 if enough else math.ceil((1 - left) / self._rate.per_second)

    def _forget(self, now: float) -> None:
        if len(self._left) <= self._most:
            return
        full_after = self._rate.burst / self._rate.per_second
        self._left = {who: bucket for who, bucket in self._left.items() if now - bucket[1] < full_after}
        while len(self._left) > self._most:
            del self._left[next(iter(self._left))]


class Limits:
    """A valid token is served also from an address that others try to guess from: behind a proxy all share one."""

    def __init__(self, failures: Rate = FAILURES, requests: Rate = REQUESTS) -> None:
        self._failures = Buckets(failures)
        self._requests = Buckets(requests)

    def failed(self, address: str, now: float) -> int:
        """Note a wrong or missing token; returns the seconds to wait once there were too many."""
        return self._failures.take(address, now)

    def asked(self, token: str, now: float) -> int:
        """Note a request; returns the seconds to wait once there were too many."""
        return self._requests.take(token, now)
