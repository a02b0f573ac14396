"""Waiting until new instances are up, or saying why one is not."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from calzion.controller.candidate import Candidate, Healthy, ended, has_ended
from calzion.controller.locks import check_cancelled
from calzion.controller.parts import Parts
from calzion.controller.wait import SHORTEST_PAUSE, Wait
from calzion.errors import CalzionError
from calzion.model import Cancellation, Sink


def await_healthy(
    parts: Parts, candidates: Sequence[Candidate], sink: Sink, cancellation: Cancellation
) -> list[Healthy]:
    """Wait for all. Raises CalzionError (start: it ended; health: its time was up) for the first that fails."""
    if not candidates:
        return []
    failed = _Failure(cancellation)
    # However many there are, together they look no more often than one alone.
    pause = SHORTEST_PAUSE * len(candidates)
    waits = [Wait(parts, candidate, sink, failed.check, pause) for candidate in candidates]
    with ThreadPoolExecutor(max_workers=min(32, len(waits)), thread_name_prefix="health") as pool:
        results = list(pool.map(failed.guard, waits))
    if failed.error:
        raise failed.error
    return [result for result in results if result]


def check_alive(parts: Parts, candidates: Sequence[Candidate]) -> None:
    """Look again at those that were up. Raises CalzionError (start) for the first that has ended meanwhile."""
    observed = parts.observed.instances()
    for candidate in candidates:
        instance = observed.get(candidate.spec.id)
        if instance and has_ended(instance):
            raise ended(parts, candidate, instance)


class _Failure:
    """Stops the other waits at the first failure."""

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation
        self.error: CalzionError | None = None

    def guard(self, wait: Wait) -> Healthy | None:
        try:
            return wait.run()
        except CalzionError as error:
            self.error = self.error or error
            return None

    def check(self) -> None:
        check_cancelled(self._cancellation)
        if self.error:
            raise self.error
