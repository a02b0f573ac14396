"""What tests/stories/test_crash_points.py tries at every step, in containers around the switch.

`script/bench crash --backend docker` tries every kind of end at every step.
"""

from __future__ import annotations

import pytest

from tests.containers import need_images
from tests.faults.rig import SWITCH, Point, Rig
from tests.faults.series import series
from tests.faults.site import Death

pytestmark = pytest.mark.timeout(300)

CHOSEN = {-1: Death.CALZION, 0: Death.POWER, 1: Death.RECONCILER}
"""How many steps from the switch, and what ends there."""


def test_ends_around_the_switch_in_containers() -> None:
    need_images()
    with series("docker", count=1) as shared:
        switch = [point.step for point in shared.points].index(SWITCH)
        deaths = {shared.points[switch + away]: death for away, death in CHOSEN.items()}

        def die(rig: Rig, point: Point) -> None:
            rig.crash(point, deaths[point])

        shared.run(die, [*deaths])
