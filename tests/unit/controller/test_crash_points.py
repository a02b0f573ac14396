"""Whatever step of a rollout is the last one: afterwards one whole release serves, and nothing else is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from calzion.controller.store import deployments, releases
from calzion.controller.store.releases import ReleaseState
from calzion.errors import CalzionError
from calzion.model import Exit
from tests.fakes.backend import Program
from tests.fakes.fuse import COMMIT, Crash
from tests.fakes.world import NAME, World, quiet_crashes

FIRST = """
web: {git: web, release: migrate, require: [calm]}
api: {git: api}
calm: {git: calm}
calzion/postgres:
"""
SECOND = """
web: {git: web, release: migrate, require: [calm, seed]}
api: {git: api}
calm: {git: calm}
new: {git: new, volumes: {data: /data}}
calzion/postgres: {env: {POSTGRES_PASSWORD: other}}
Run: {seed: {service: web, cmd: seed, require: [postgres]}}
"""
OLD = {"web": "web: web 1\nworker: work 1", "api": "web: api 1", "calm": "web: calm"}
NEW = {"web": "web: web 2\nworker: work 2", "api": "web: api 2", "calm": "web: calm", "new": "web: new"}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = threading.excepthook
    quiet_crashes()
    yield
    threading.excepthook = before


@pytest.fixture
def world(tmp_path: Path) -> Callable[[], World]:
    made: list[World] = []

    def make() -> World:
        directory = tmp_path / str(len(made))
        directory.mkdir()
        world = World(directory)
        _programs(world)
        world.deploy(FIRST, OLD)
        world.check()
        made.append(world)
        return world

    return make


def _programs(world: World) -> None:
    well = Program(exit=Exit(status=0))
    world.backend.programs |= {"migrate": well, "seed": well}


def current(world: World) -> int:
    with world.parts.database.read() as connection:
        found = deployments.find(connection, NAME)
        assert found
        release = releases.current(connection, found.id)
        assert release
        states = {each.number: each.state for each in releases.of_deployment(connection, found.id)}
    assert list(states.values()).count(ReleaseState.CURRENT) == 1
    return release.number


def steps_of(world: World) -> list[str]:
    world.fuse.reset()
    world.deploy(SECOND, NEW)
    world.check()
    assert current(world) == 2
    return list(world.fuse.steps)


def test_every_step_is_passed_by_a_fuse(world: Callable[[], World]) -> None:
    steps = steps_of(world())
    assert {"commit", "ensure", "stop", "forget", "run", "apply", "retire", "build"} <= set(steps)
    assert len(steps) > 20


@pytest.mark.every_step
@pytest.mark.parametrize("everything", [False, True], ids=["controller", "everything"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_step_leaves_one_whole_release(
    world: Callable[[], World], after: bool, everything: bool
) -> None:
    count = len(steps_of(world()))
    numbers = []
    for number in range(1, count + 1):
        here = world()
        here.fuse.reset(number, after=after)
        with suppress(Crash, CalzionError):
            here.deploy(SECOND, NEW)
        if everything:
            here.lose_power()
        here.recover()
        here.check()
        numbers.append(current(here))
        here.deploy(SECOND, NEW)
        here.check()
        assert here.state()["web"] in ("web 2", "work 2")
    assert numbers == sorted(numbers), "once a step has switched, no later one goes back"
    assert set(numbers) == {1, 2}


@pytest.mark.every_step
@pytest.mark.parametrize("everything", [False, True], ids=["controller", "everything"])
def test_a_crash_on_the_way_back_leaves_the_old_release(world: Callable[[], World], everything: bool) -> None:
    def fail(blow_at: int) -> World:
        here = world()
        here.backend.programs["api 2"] = Program(exit=Exit(status=1))
        here.fuse.reset(blow_at)
        with suppress(Crash, CalzionError):
            here.deploy(SECOND, NEW)
        return here

    steps = fail(0).fuse.steps
    assert "remove_volumes" in steps
    for number in range(steps.index("forget"), len(steps) + 1):
        here = fail(number)
        if everything:
            here.lose_power()
        here.recover()
        here.check()
        assert current(here) == 1, f"step {number} of {steps}"


@pytest.mark.every_step
def test_a_full_disk_at_any_step_leaves_one_whole_release(world: Callable[[], World]) -> None:
    count = len(steps_of(world()))
    for number in range(1, count + 1):
        here = world()
        here.fuse.reset(number, full_disk=True)
        raised: list[Any] = []
        try:
            here.deploy(SECOND, NEW)
        except (CalzionError, OSError) as error:
            raised.append(error)
        if raised:
            assert current(here) == 1, f"step {number} failed, and yet the new release is current"
        here.fuse.reset()
        here.reconciler.reconcile()
        here.settle()
        here.check()


def test_what_can_not_overlap_goes_back_where_its_successor_fails(world: Callable[[], World]) -> None:
    here = world()
    keeper = "keeper: {git: keeper, volumes: {data: /data}}\n"
    here.deploy(FIRST + keeper, OLD | {"keeper": "web: keep 1"})
    here.check()
    before = {each.id for each in here.running() if each.service == "keeper"}
    here.backend.programs["keep 2"] = Program(exit=Exit(status=1))
    with pytest.raises(CalzionError):
        here.deploy(FIRST + keeper, OLD | {"keeper": "web: keep 2"})
    here.check()
    assert {each.id for each in here.running() if each.service == "keeper"} == before
    assert here.state()["keeper"] == "keep 1"


def test_what_can_not_overlap_goes_back_although_the_disk_is_full(world: Callable[[], World]) -> None:
    keeper = "keeper: {git: keeper, volumes: {data: /data}}\n"

    def fail(full_at: int) -> World:
        here = world()
        here.deploy(FIRST + keeper, OLD | {"keeper": "web: keep 1"})
        here.backend.programs["keep 2"] = Program(exit=Exit(status=1))
        here.fuse.reset(full_at, full_disk=True)
        with pytest.raises(CalzionError):
            here.deploy(FIRST + keeper, OLD | {"keeper": "web: keep 2"})
        return here

    steps = fail(0).fuse.steps
    for number, step in enumerate(steps, 1):
        here = fail(number)
        if step == COMMIT:
            assert here.state()["keeper"] == "keep 1", f"step {number} of {steps}"
        here.fuse.reset()
        for _ in range(2):
            here.reconciler.reconcile()
        here.check()
        assert here.state()["keeper"] == "keep 1", f"step {number} of {steps}"


@pytest.mark.parametrize("fails", [False, True], ids=["succeeds", "fails"])
def test_what_serves_goes_on_serving_at_every_step(world: Callable[[], World], fails: bool) -> None:
    here = world()
    hosts = [f"{service}.{NAME}.localhost" for service in ("web", "api", "calm")]
    if fails:
        here.backend.programs["api 2"] = Program(exit=Exit(status=1))
    gaps: list[str] = []
    looks: list[int] = []

    def look() -> None:
        looks.append(len(here.fuse.steps))
        table, listening = (
            here.router.table,
            {port for each in here.running() for port in each.ports.values()},
        )
        for host in hosts:
            pool = table.pools.get(table.hosts.get(host, ""))
            if pool is None or not any(endpoint.port in listening for endpoint in pool.endpoints):
                gaps.append(f"{host} after {here.fuse.steps[-1]}")

    here.fuse.reset()
    here.fuse.meanwhile = look
    with suppress(CalzionError):
        here.deploy(SECOND, NEW)
    here.fuse.meanwhile = None
    assert len(looks) > 15 and not gaps
    here.check()
    assert current(here) == (1 if fails else 2)
