"""Going back: to what was live, without a build, whole or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from calzion.controller.live import live_specs
from calzion.controller.store import deployments, kept, releases, secrets
from calzion.controller.store.releases import Release, ReleaseState
from calzion.errors import CalzionError
from calzion.model import Exit
from tests.fakes.backend import Program
from tests.fakes.fuse import Crash
from tests.fakes.world import NAME, World, quiet_crashes

FIRST = """
web: {git: web, release: migrate, require: [seed]}
old: {git: old, volumes: {data: /data}}
calzion/postgres:
Run: {seed: {service: web, cmd: seed, require: [postgres]}}
"""
SECOND = """
web: {git: web, release: migrate}
new: {git: new}
calzion/postgres: {env: {POSTGRES_PASSWORD: other}}
"""
OLD = {"web": "web: web 1\nworker: work 1", "old": "web: old"}
NEW = {"web": "web: web 2\nworker: work 2", "new": "web: new"}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = threading.excepthook
    quiet_crashes()
    yield
    threading.excepthook = before


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., World]:
    made: list[World] = []

    def make(keep_releases: int = 10) -> World:
        directory = tmp_path / str(len(made))
        directory.mkdir()
        world = World(directory, keep_releases=keep_releases)
        made.append(world)
        world.backend.programs |= dict.fromkeys(("migrate", "seed"), Program(exit=Exit(status=0)))
        world.deploy(FIRST, OLD, commit="1" * 40)
        world.deploy(SECOND, NEW, commit="2" * 40)
        return world

    return make


@pytest.fixture
def world(make: Callable[..., World]) -> World:
    return make()


def listed(world: World) -> list[Release]:
    with world.parts.database.read() as connection:
        found = deployments.find(connection, NAME)
        assert found
        return releases.of_deployment(connection, found.id)


def current(world: World) -> Release:
    (release,) = [each for each in listed(world) if each.state is ReleaseState.CURRENT]
    return release


def refusal(world: World, number: int | None = None) -> CalzionError:
    before = listed(world)
    with pytest.raises(CalzionError) as raised:
        world.rollback(number)
    assert listed(world) == before, "a refusal makes no release"
    world.check()
    return raised.value


def test_the_release_before_serves_again_without_a_build(world: World) -> None:
    world.fuse.reset()
    world.events.clear()
    release = world.rollback()
    assert not {"build", "run"} & set(world.fuse.steps)
    world.check()
    assert world.state()["web"] in ("web 1", "work 1") and "new" not in world.state()
    assert (release.number, release.act, release.commit) == (3, "rolls back to v1", "1" * 40)
    told = "\n".join(event.text for event in world.events)
    assert "app: release v3 rolls back to v1 (t)" in told
    assert "Not undone: what changed in databases and volumes" in told and "calzion redeploy app" in told
    assert current(world).changes == ("new removed", "old added", *current(world).changes[2:])
    assert "again:" not in told
    assert world.rollback(2).act == "rolls back to v2"
    assert world.state()["web"] in ("web 2", "work 2")


def test_each_rollback_goes_a_step_further_back(world: World) -> None:
    for number in (3, 4, 5):
        world.deploy("web: {git: web}\n", {"web": f"web: serve {number}"})
    assert (world.rollback().act, world.state()["web"]) == ("rolls back to v4", "serve 4")
    world.events.clear()
    assert (world.rollback().act, world.state()["web"]) == ("rolls back to v3", "serve 3")
    assert any("v6 was v4 again: v3 is what went live before that" in each.text for each in world.events)
    world.deploy("web: {git: web}\n", {"web": "web: serve 8"})
    again = world.rollback()
    assert (again.act, again.restores, world.state()["web"]) == ("rolls back to v7", 3, "serve 3")
    assert world.rollback().act == "rolls back to v2"
    assert world.rollback().act == "rolls back to v1"
    refused = refusal(world)
    assert str(refused) == "app has no earlier release than v1, which v11 is again, to go back to"
    assert refused.hint.startswith("these can be gone back to: v10, v9, v8")
    assert (world.rollback(8).act, world.state()["web"]) == ("rolls back to v8", "serve 8")


def test_secrets_are_those_of_then(world: World) -> None:
    template = "web: {git: ., env: {KEY: '${KEY}'}}\n"
    for value in ("first value", "second value"):
        with world.parts.database.write() as connection:
            deployment = deployments.find(connection, NAME)
            assert deployment
            secrets.set_secret(connection, world.vault, deployment, "KEY", value, 0.0)
        world.deploy(template, {"web": f"web: {value}"}, secrets={"KEY"})
    with world.parts.database.write() as connection:
        secrets.remove(connection, deployment, "KEY")
    world.events.clear()
    world.rollback()
    assert any("Secrets were set or removed since v3" in event.text for event in world.events)
    assert {spec.env["KEY"] for spec in live_specs(world.parts, deployment.id)} == {"first value"}
    world.recover()
    assert {world.backend.specs[each.id].env["KEY"] for each in world.running()} == {"first value"}


def test_what_can_not_be_gone_back_to(world: World) -> None:
    assert "app has no v9" in str(refusal(world, 9)) and "v1" in refusal(world, 9).hint
    assert str(refusal(world, 2)) == "nothing to do: v2 of app is the current release"
    world.backend.programs["migrate"] = Program(exit=Exit(status=1))
    with pytest.raises(CalzionError):
        world.deploy(SECOND, {**NEW, "web": "web: other"})
    assert "v3 of app never went live: it is failed" in str(refusal(world, 3))
    del world.backend._versions["postgres"]
    assert refusal(world, 1).code == "unsupported"
    world.backend._versions["postgres"] = "18.6"
    world.backend._volumes[NAME].remove("old.data")
    assert "needs the volume old/data, which is gone" in str(refusal(world, 1))


def test_what_is_not_kept_any_more(make: Callable[..., World]) -> None:
    world = make(keep_releases=1)
    world.deploy(FIRST, OLD)
    refused = refusal(world, 1)
    assert "v1 of app is not kept any more" in str(refused) and "v2" in refused.hint
    world.builder.slugs = {
        key: slug for key, slug in world.builder.slugs.items() if dict(slug.process_types)["web"] != "new"
    }
    assert "v2 can't be had any more: the slug of new is gone" in str(refusal(world, 2))


def test_a_deployment_with_one_release_has_nothing_to_go_back_to(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.deploy("web: {git: .}\n", {"web": "web: x"})
    assert "no earlier release" in str(refusal(world))


def steps_of(world: World) -> list[str]:
    world.fuse.reset()
    world.rollback(1)
    world.check()
    return list(world.fuse.steps)


@pytest.mark.every_step
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_step_leaves_one_whole_release(make: Callable[..., World], after: bool) -> None:
    steps = steps_of(make())
    assert {"commit", "ensure", "stop", "forget", "apply", "prune"} <= set(steps) and len(steps) > 15
    numbers = []
    for number in range(1, len(steps) + 1):
        here = make()
        here.fuse.reset(number, after=after)
        with suppress(Crash, CalzionError):
            here.rollback(1)
        here.recover()
        here.check()
        numbers.append(current(here).number)
        if current(here).number == 2:
            here.rollback(1)
        here.check()
        assert here.state()["web"] in ("web 1", "work 1")
        here.rollback(2)
        here.check()
    assert numbers == sorted(numbers), "once a step has switched, no later one goes back"
    assert set(numbers) == {2, 3}


@pytest.mark.every_step
def test_a_full_disk_at_any_step_leaves_one_whole_release(make: Callable[..., World]) -> None:
    for number in range(1, len(steps_of(make())) + 1):
        here = make()
        here.fuse.reset(number, full_disk=True)
        raised = False
        try:
            here.rollback(1)
        except (CalzionError, OSError):
            raised = True
        assert current(here).number == (2 if raised else 3), f"step {number}"
        here.fuse.reset()
        here.reconciler.reconcile()
        here.settle()
        here.check()


def test_what_is_kept_is_what_can_be_gone_back_to(make: Callable[..., World]) -> None:
    world = make(keep_releases=2)
    numbers = [1]
    for _ in range(3):
        world.rollback(numbers[0])
        with world.parts.database.read() as connection:
            found = deployments.find(connection, NAME)
            assert found
            numbers = kept.restorable(connection, found.id, 2)
        assert len(numbers) == 2
        world.rollback(numbers[-1])
        world.check()
