"""Every kind of end at every step of a rollout: how many points were tried, and how long it took.

`script/bench crash [--backend docker] [SERIES…]`: reconciler, calzion, power, full, filled, recovery; all of them where
nothing is said.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from bench.report import report
from tests.faults.rig import SWITCH, Point
from tests.faults.series import Series, Try, can_fill, series
from tests.faults.site import Death
from tests.faults.tripwire import Fault


def run(backend: str, names: list[str]) -> None:
    figures: dict[str, float] = {}
    with series(backend) as shared:
        failing = [point for point in shared.points if point.can_fail]
        all_of: dict[str, Callable[[], int]] = {
            "reconciler": lambda: attempt(shared, shared.points, dying(Death.RECONCILER)),
            "calzion": lambda: attempt(shared, shared.points, dying(Death.CALZION)),
            "power": lambda: attempt(shared, shared.points, dying(Death.POWER)),
            "full": lambda: attempt(shared, failing, failing_with(Fault.ERROR)),
            "filled": lambda: attempt(shared, failing, failing_with(Fault.FILL)) if can_fill() else 0,
            "recovery": lambda: recover(shared),
        }
        for name in names or all_of:
            began = time.monotonic()
            figures[f"points: {name}"] = all_of[name]()
            figures[f"seconds: {name}"] = round(time.monotonic() - began, 1)
            print(name, figures[f"points: {name}"], "points", flush=True)
    report("crash" if backend == "process" else f"crash-{backend}", figures)


def attempt(shared: Series, points: list[Point], act: Try) -> int:
    shared.run(act, points)
    return len(points)


def dying(death: Death) -> Try:
    return lambda rig, point: rig.crash(point, death)


def failing_with(fault: Fault) -> Try:
    return lambda rig, point: rig.fail(point, fault)


def recover(shared: Series) -> int:
    """Deaths within the recovery from a death just before the switch, and from one just behind it."""
    tried = 0
    before = next(point for point in shared.points if point.step == SWITCH)
    behind = shared.points[shared.points.index(before) + 1]
    for point in (before, behind):
        steps = [Point(step=step) for step in shared.survey_recovery(point)]
        shared.run(lambda rig, step, first=point: rig.crash_twice(first, step.step), steps)  # type: ignore[misc]
        tried += len(steps)
    return tried


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("--backend", choices=("process", "docker"), default="process")
    words.add_argument("names", nargs="*", metavar="SERIES")
    given = words.parse_args()
    run(given.backend, given.names)
