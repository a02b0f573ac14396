"""What no kept release needs goes; what one needs stays, whenever it is pruned."""

from __future__ import annotations

from pathlib import Path

import pytest

from calzion.controller.operations import destroy
from calzion.controller.retention import prune
from calzion.controller.store import deployments, kept, releases, secrets
from calzion.errors import CalzionError
from calzion.model import DeploymentName, Exit
from calzion.progress import Story
from tests.fakes.backend import Program
from tests.fakes.world import NAME, World

TEMPLATE = "web: {git: .}\nother: {git: .}\n"
OTHER = DeploymentName("other")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, keep_releases=2)


def deploy(world: World, *texts: str, name: DeploymentName = NAME) -> None:
    for text in texts:
        world.deploy(TEMPLATE, {"web": f"web: {text}", "other": "web: same"}, name=name)


def built(world: World) -> set[str]:
    """What the web processes of the slugs run, but for what never changes."""
    return {slug.process_types[0][1] for slug in world.builder.slugs.values()} - {"same"}


def stories(world: World) -> set[str]:
    return {path.stem for path in (world.directory / "stories").rglob("*.jsonl")}


def test_the_current_release_and_those_before_it_are_kept(world: World) -> None:
    deploy(world, "1", "2", "3")
    assert built(world) == {"1", "2", "3"}
    deploy(world, "4", "5")
    assert built(world) == {"3", "4", "5"}
    assert stories(world) == {"3", "4", "5"}
    world.check()
    with world.parts.database.read() as connection:
        assert kept.restorable(connection, 1, 2) == [4, 3]
        assert [each.number for each in releases.of_deployment(connection, 1)] == [5, 4, 3, 2, 1]


def test_what_a_full_disk_kept_from_being_pruned_is_pruned_by_the_reconciler(world: World) -> None:
    deploy(world, "1", "2", "3")
    world.fuse.reset()
    deploy(world, "4")
    at = world.fuse.steps.index("prune") + 1
    world.fuse.reset(at, full_disk=True)
    deploy(world, "5")
    assert built(world) == {"2", "3", "4", "5"}
    world.reconciler.reconcile()
    assert built(world) == {"3", "4", "5"}
    world.fuse.reset(around="prune", full_disk=True)
    deploy(world, "6")
    assert world.parts.unpruned.is_set() and world.builder.graves == 0
    world.reconciler.reconcile()
    assert built(world) == {"4", "5", "6"} and world.builder.graves == 0


def test_failed_releases_count_for_nothing_and_the_last_can_be_tried_again(world: World) -> None:
    deploy(world, "1", "2", "3")
    for text in ("bad", "worse"):
        world.backend.programs[text] = Program(exit=Exit(status=3))
        with pytest.raises(CalzionError):
            deploy(world, text)
    assert built(world) == {"1", "2", "3", "worse"}
    assert stories(world) == {"1", "2", "3", "4", "5"}


def test_what_another_deployment_needs_stays_and_goes_with_it(world: World) -> None:
    deploy(world, "shared", name=OTHER)
    deploy(world, "shared", "1", "2", "3")
    assert built(world) == {"shared", "1", "2", "3"}
    assert world.builder.caches == {"app.web", "other.web", "other.other"}
    destroy(world.parts, world.traffic, OTHER, OTHER, Story(world.events.append))
    assert built(world) == {"1", "2", "3"}
    assert world.builder.caches == {"app.web"}


def test_versions_of_secrets_stay_for_the_releases_that_have_them(world: World) -> None:
    for value in ("first value", "second value", None, "third value"):
        with world.parts.database.write() as connection:
            deployment = deployments.create(connection, NAME, None, 0.0)
            if value is None:
                secrets.remove(connection, deployment, "KEY")
            else:
                secrets.set_secret(connection, world.vault, deployment, "KEY", value, 0.0)
        deploy(world, f"with {value}")
    with world.parts.database.read() as connection:
        found = deployments.find(connection, NAME)
        assert found
        values = [value for _, value in secrets.all_values(connection, world.vault, found)]
    assert values == ["second value", "third value"]


def test_pruning_at_every_step_of_a_rollout_removes_nothing_that_it_needs(world: World) -> None:
    deploy(world, "1", "2")
    pruned = []

    def meanwhile() -> None:
        pruned.append(len(world.builder.slugs))
        prune(world.parts)

    world.fuse.meanwhile = meanwhile
    deploy(world, "3", "1", "4", "1")
    assert len(pruned) > 40
    world.fuse.meanwhile = None
    world.check()
    assert built(world) == {"1", "4"}
