"""Many points, tried side by side on servers of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from tests.faults.rig import Point, Rig

Try = Callable[[Rig, Point], None]


class Series:
    """`points` are all steps of a push that goes live, and those of one that fails on its way back."""

    def __init__(self, rigs: Sequence[Rig]) -> None:
        self._rigs = rigs
        well = rigs[0].survey(well=True)
        known = {point.step for point in well}
        self.points = well + [point for point in rigs[0].survey(well=False) if point.step not in known]

    def survey_recovery(self, point: Point) -> list[str]:
        return self._rigs[0].survey_recovery(point)

    def run(self, attempt: Try, points: Sequence[Point]) -> None:
        """Try every point. Raises AssertionError for all that went wrong."""
        shares = [points[number :: len(self._rigs)] for number in range(len(self._rigs))]
        with ThreadPoolExecutor(max_workers=len(self._rigs)) as pool:
            wrong = list(pool.map(lambda rig, share: list(_tried(attempt, rig, share)), self._rigs, shares))
        assert not any(wrong), "\n".join(text for texts in wrong for text in texts)


def _tried(attempt: Try, rig: Rig, points: Sequence[Point]) -> Iterator[str]:
    """What went wrong first: whatever comes after it begins in disorder."""
    for point in points:
        try:
            attempt(rig, point)
        except AssertionError as error:
            yield f"{point.step}: {error}"
            return
    rig.push()


@contextmanager
def series(backend: str = "process", *, count: int = 2) -> Iterator[Series]:
    """On servers whose disks can be filled, where this user may mount them."""
    with ExitStack() as stack:
        rigs = []
        for _ in range(count):
            rigs.append(rig := Rig(backend, small_disk=can_fill()))
            stack.callback(rig.close)
            rig.start()
        yield Series(rigs)


def can_fill() -> bool:
    return os.geteuid() == 0
