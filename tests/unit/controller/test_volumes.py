"""Volumes that lose their use, and what a failed release leaves of others and of the tasks that wrote to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from calzion.controller.claim import Claim
from calzion.controller.store import deployments
from calzion.controller.volumes import kept_volumes, remove_volume
from calzion.errors import CalzionError
from calzion.model import Exit, ServiceName
from calzion.progress import Story
from calzion.template import parse_template
from tests.fakes.backend import Program
from tests.fakes.builder import FakeTree
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


BOTH = "web: {git: web, release: migrate, volumes: {files: /files, cache: /cache}}\n"
ONE = BOTH.replace(", cache: /cache", "")


def plan(world: World, template: str) -> list[str]:
    parsed = parse_template(template.encode())
    sources = {each.name: FakeTree("web: serve") for each in parsed.services if each.git}
    return world.deployer.forecast(NAME, parsed, sources, Claim(user="t")).lines()


def kept(world: World) -> list[str]:
    with world.parts.database.read() as connection:
        deployment = deployments.get(connection, NAME)
    return kept_volumes(world.parts, deployment, world.backend.volume_names(NAME))


def remove(world: World, service: str, volume: str) -> None:
    remove_volume(world.parts, NAME, ServiceName(service), volume, Story(lambda _: None))


def test_a_volume_that_a_service_drops_is_told_and_kept_until_it_is_removed(world: World) -> None:
    world.deploy(BOTH, {"web": "web: serve"})
    assert plan(world, ONE) == [
        "web   changed: volumes, its volume cache (0.0 MB) is kept until you remove it"
    ]
    assert kept(world) == []
    with pytest.raises(CalzionError, match="web/cache is in use") as caught:
        remove(world, "web", "cache")
    assert caught.value.code == "refused"
    world.deploy(ONE, {"web": "web: serve"})
    assert plan(world, ONE) == ["web   unchanged"], "it is told once"
    assert kept(world) == ["web.cache"]
    remove(world, "web", "cache")
    assert world.backend.volume_names(NAME) == {"web.files"}
    with pytest.raises(CalzionError, match="web/files is in use"):
        remove(world, "web", "files")


def test_all_volumes_of_a_removed_service_are_told(world: World) -> None:
    world.deploy(BOTH + "calzion/redis:\n", {"web": "web: serve"})
    world.deploy(ONE + "calzion/redis:\n", {"web": "web: serve"})
    assert plan(world, "calzion/redis:\n") == [
        "redis   unchanged",
        "web     removed: its volume cache (0.0 MB) is kept until you remove it,"
        " its volume files (0.0 MB) is kept until you remove it",
    ]
