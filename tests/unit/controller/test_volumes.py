"""What a failed release leaves of volumes, and of the tasks that wrote to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.model import Exit
from tests.fakes.backend import Program
from tests.fakes.world import NAME, World

FIRST = """
web: {git: web, release: migrate}
calzion/redis:
Run:
  warm: {service: web, cmd: warm, require: [redis]}
"""
SECOND = (
    FIRST
    + """  seed: {service: web, cmd: seed, require: [postgres]}
  note: {service: web, cmd: note}
calzion/postgres:
"""
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    well = Program(exit=Exit(status=0))
    world.backend.programs |= dict.fromkeys(("migrate", "warm", "seed", "note"), well)
    return world


def ran(world: World, template: str, web: str) -> list[str]:
    """The tasks that a release runs; with the program `fails` it fails after them."""
    world.events.clear()
    world.backend.programs["fails"] = Program(exit=Exit(status=1))
    if web == "fails":
        with pytest.raises(CalzionError, match="start failed"):
            world.deploy(template, {"web": f"web: {web}"})
    else:
        world.deploy(template, {"web": f"web: {web}"})
    begun = "Running the task "
    return sorted(each.text.split()[3] for each in world.events if each.text.startswith(begun))


def test_what_a_first_release_did_before_it_failed_is_done_again(world: World) -> None:
    assert ran(world, FIRST, "fails") == ["warm"]
    assert world.backend.volume_names(NAME) == frozenset()
    assert ran(world, FIRST, "serve") == ["warm"]
    assert ran(world, FIRST, "serve again") == []


def test_of_a_later_release_only_what_went_with_the_volumes_is_done_again(world: World) -> None:
    ran(world, FIRST, "serve")
    assert ran(world, SECOND, "fails") == ["note", "seed"]
    assert world.backend.volume_names(NAME) == {"redis.data"}
    assert ran(world, SECOND, "serve") == ["seed"]
