"""What the router leads to runs, also while it does not answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from calzion.controller.store import deployments, releases
from calzion.errors import CalzionError
from tests.fakes.fuse import Crash
from tests.fakes.world import NAME, World

TEMPLATE = "web: {git: web}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.deploy(TEMPLATE, {"web": "web: old"})
    return world


def routed(world: World) -> set[str]:
    """What the instances run that the router leads to."""
    ports = {pool.endpoints[0].port for pool in world.router.table.pools.values()}
    return {
        str(world.backend.specs[each.id].command)
        for each in world.running()
        if ports & set(each.ports.values())
    }


def test_old_instances_serve_until_a_router_that_is_away_has_switched(world: World) -> None:
    world.router.stop()
    world.deploy(TEMPLATE, {"web": "web: new"})
    assert any("traffic follows" in event.text for event in world.events)
    assert routed(world) == {"old"}
    with pytest.raises(CalzionError, match="does not answer"):
        world.reconciler.reconcile()
    assert routed(world) == {"old"}
    world.router.start()
    world.reconciler.reconcile()
    world.settle()
    assert routed(world) == {"new"}
    world.check()


def test_after_a_crash_at_the_switch_routes_come_before_the_end_of_the_old(world: World) -> None:
    world.fuse.reset()
    world.deploy(TEMPLATE, {"web": "web: other"})
    switch = world.fuse.steps.index("apply")
    world.fuse.reset(switch + 1)
    with pytest.raises(Crash):
        world.deploy(TEMPLATE, {"web": "web: new"})
    assert routed(world) == {"other"}
    world.recover()
    steps = world.fuse.steps
    assert steps.index("apply") < steps.index("stop")
    assert routed(world) == {"new"}
    with world.parts.database.read() as connection:
        deployment = deployments.find(connection, NAME)
        assert deployment
        current = releases.current(connection, deployment.id)
    assert current and current.number == 3
