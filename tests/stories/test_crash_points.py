"""Whatever step of a rollout the real program comes to last: afterwards one whole release serves, and all is well.

`script/bench crash` tries every kind of end at every step; here each step has one or two.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.rig import Point, Rig
from tests.faults.series import Series, can_fill, series
from tests.faults.site import Death
from tests.faults.tripwire import Fault

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def shared() -> Iterator[Series]:
    with series() as found:
        yield found


def test_the_end_of_the_reconciler_at_every_step(shared: Series) -> None:
    shared.run(lambda rig, point: rig.crash(point, Death.RECONCILER), shared.points)


def test_the_end_of_everything(shared: Series) -> None:
    def die(rig: Rig, point: Point) -> None:
        rig.crash(point, Death.CALZION if shared.points.index(point) % 8 else Death.POWER)

    shared.run(die, shared.points[::4])


def test_a_full_disk_at_every_step(shared: Series) -> None:
    points = [point for point in shared.points if point.can_fail]

    def fail(rig: Rig, point: Point) -> None:
        rig.fail(point, Fault.FILL if can_fill() and points.index(point) % 3 == 0 else Fault.ERROR)

    shared.run(fail, points)
