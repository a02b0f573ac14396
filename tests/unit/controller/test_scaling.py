"""How often what keeps data may run."""

from __future__ import annotations

from pathlib import Path

import pytest

from calzion.controller.locks import CancellationToken
from calzion.controller.scaling import scale
from calzion.errors import CalzionError
from calzion.progress import Story
from tests.fakes.world import NAME, World

TEMPLATE = "keeper: {git: keeper, volumes: {data: /data}}\ncalzion/redis:\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.deploy(TEMPLATE, {"keeper": "web: keep"})
    return world


def to(world: World, service: str, process_type: str, count: int) -> None:
    counts = {(service, process_type): count}
    story = Story(world.events.append)
    scale(world.parts, world.traffic, NAME, counts, story, CancellationToken())


def test_an_app_with_a_volume_runs_once_or_not_at_all(world: World) -> None:
    to(world, "keeper", "web", 0)
    assert set(world.state()) == {"redis"}
    world.deploy(TEMPLATE, {"keeper": "web: keep 2"})
    assert set(world.state()) == {"redis"}, "a release leaves it as it was scaled"
    to(world, "keeper", "web", 1)
    assert world.state()["keeper"] == "keep 2"
    world.check()
    with pytest.raises(CalzionError, match="two instances must not write"):
        to(world, "keeper", "web", 2)


def test_an_appliance_is_not_scaled(world: World) -> None:
    with pytest.raises(CalzionError, match="two instances must not write"):
        to(world, "redis", "server", 0)
