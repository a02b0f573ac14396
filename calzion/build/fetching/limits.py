"""How long fetching may take, and how much it may bring."""

from __future__ import annotations

import time
from dataclasses import dataclass

from calzion.build.fetching.failed import TOO_LARGE, TOO_LONG, Failed

MAX_FILES = 50_000


@dataclass(frozen=True)
class Limits:
    """`end` on the monotonic clock; `size` in bytes of one repository or archive, packed and unpacked."""

    end: float
    size: int

    def left(self) -> float:
        """Seconds. Raises Failed where there are none."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise Failed(TOO_LONG, away=True)
        return left

    def check(self, files: int, size: int) -> None:
        if files > MAX_FILES or size > self.size:
            raise Failed(TOO_LARGE)
