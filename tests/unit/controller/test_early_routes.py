"""Data services of a backend whose addresses are the router's: they are led to before anything needs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.model import Exit
from tests.fakes.backend import Program
from tests.fakes.world import World

TEMPLATE = "web: {git: web, release: migrate}\ncalzion/postgres:\n"
WEB = {"web": "web: serve"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.backend.containers = True
    return world


def reached(world: World, status: int) -> list[int]:
    """The ports that stable addresses led to when the release command ended."""
    found: list[int] = []

    def look() -> None:
        if world.fuse.steps[-1] == "run":
            names = world.router.table.addresses.values()
            found.extend(each.port for name in names for each in world.router.table.pools[name].endpoints)

    world.backend.programs["migrate"] = Program(exit=Exit(status=status))
    world.fuse.meanwhile = look
    try:
        world.deploy(TEMPLATE, WEB)
    finally:
        world.fuse.meanwhile = None
    return found


def test_the_release_command_of_a_first_release_reaches_its_database(world: World) -> None:
    assert reached(world, 0) == [5432]
    world.check()


def test_nothing_leads_to_a_data_service_whose_release_failed(world: World) -> None:
    with pytest.raises(CalzionError, match="release command"):
        reached(world, 1)
    assert world.router.table.addresses == {} and world.running() == []
