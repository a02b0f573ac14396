from __future__ import annotations

from collections.abc import Iterable

from calzion.controller.astray import SHORTEST, Astray

GRACE = 60.0
PATIENCE = 10.0


def given_up(looks: Iterable[tuple[float, set[int], bool]], grace: float = GRACE) -> float | None:
    """When it is given up; a look is its time, the ports on which it listens instead, and whether it rests."""
    astray = Astray(grace)
    for now, ports, rests in looks:
        if astray.look(ports, lambda rests=rests: rests, now):  # type: ignore[misc]  # a bound default
            return now
    return None


def test_one_that_serves_elsewhere_is_given_up_long_before_its_time() -> None:
    resting = [(float(now), {3000}, True) for now in range(60)]
    assert given_up(resting) == PATIENCE
    assert given_up(resting, grace=1.0) == SHORTEST
    started = [(float(now), set[int](), False) for now in range(20)]
    assert given_up([*started, *((20.0 + now, {3000}, True) for now in range(60))]) == 20 + PATIENCE


def test_one_that_still_loads_is_not() -> None:
    """An administrator's port is there first, and now and then a process works: one of many looks sees it."""
    assert given_up((now / 4, {8081}, now % 30 != 0) for now in range(240)) is None


def test_one_that_opens_one_port_after_the_other_is_not() -> None:
    assert given_up((float(now), {8081, *range(9000, 9000 + now // 9)}, True) for now in range(60)) is None


def test_ports_that_nobody_chose_are_no_sign() -> None:
    for port in (9229, 5678, 4369, 40123):
        assert given_up((float(now), {port}, True) for now in range(60)) is None
    assert given_up((float(now), {9229, 3000}, True) for now in range(60)) == PATIENCE


def test_nothing_that_listens_is_no_sign() -> None:
    assert given_up((float(now), set[int](), True) for now in range(60)) is None
