"""What one deployment runs goes live in another, from the same slugs and with the other's values."""

from __future__ import annotations

from pathlib import Path

import pytest

from calzion.controller.live import live_specs
from calzion.controller.promote import promotion
from calzion.controller.store import deployments, releases, secrets
from calzion.errors import CalzionError
from calzion.model import DeploymentName, Exit
from tests.fakes.backend import Program
from tests.fakes.world import NAME, World

TARGET = DeploymentName("production")
TEMPLATE = """
Generate: {TOKEN: {length: 16}}
web: {git: ., env: {TOKEN: '${TOKEN}', WHERE: '${DEPLOYMENT}'}, release: migrate}
Run: {seed: {service: web, cmd: seed}}
"""
CODE = {"web": "web: serve"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.backend.programs |= dict.fromkeys(("migrate", "seed"), Program(exit=Exit(status=0)))
    return world


def seen(world: World, name: str, variable: str) -> str:
    with world.parts.database.read() as connection:
        found = deployments.find(connection, name)
        assert found
    (value,) = {spec.env[variable] for spec in live_specs(world.parts, found.id)}
    return value


def slugs(world: World, name: str) -> set[str]:
    with world.parts.database.read() as connection:
        found = deployments.find(connection, name)
        current = releases.current(connection, found.id) if found else None
        assert current
        return {each.slug for each in releases.services(connection, current.id)}


def set_secret(world: World, name: DeploymentName, value: str) -> None:
    with world.parts.database.write() as connection:
        deployment = deployments.create(connection, name, None, 0.0)
        secrets.set_secret(connection, world.vault, deployment, "KEY", value, 0.0)


def test_the_same_slugs_with_values_of_their_own(world: World) -> None:
    world.deploy(TEMPLATE, CODE, commit="1" * 40)
    world.fuse.reset()
    plan = promotion(world.parts, world.deployer, NAME, TARGET)
    assert plan.lines() == ["web    added", "seed   runs once, in web"]
    with world.parts.database.read() as connection:
        assert deployments.find(connection, TARGET) is None, "a plan makes nothing"
    release = world.promote(TARGET)
    assert "build" not in world.fuse.steps and world.fuse.steps.count("run") == 2
    assert (release.number, release.act, release.commit) == (1, "promotes app v1", "1" * 40)
    assert slugs(world, TARGET) == slugs(world, NAME)
    assert seen(world, TARGET, "TOKEN") != seen(world, NAME, "TOKEN")
    assert seen(world, TARGET, "WHERE") == "production"
    assert not promotion(world.parts, world.deployer, NAME, TARGET).plan.changes_something
    world.deploy(TEMPLATE, {"web": "web: serve 2"})
    world.fuse.reset()
    world.promote(TARGET)
    assert world.fuse.steps.count("run") == 1, "the task was done before"
    assert slugs(world, TARGET) == slugs(world, NAME)


def test_a_missing_secret_is_named_before_anything_is_made(world: World) -> None:
    set_secret(world, NAME, "here")
    world.deploy("web: {git: ., env: {KEY: '${KEY}'}}\n", CODE, secrets={"KEY"})
    with pytest.raises(CalzionError) as raised:
        world.promote(TARGET)
    assert "calzion secrets set production KEY" in raised.value.hint
    with world.parts.database.read() as connection:
        assert deployments.find(connection, TARGET) is None
    set_secret(world, TARGET, "there")
    world.promote(TARGET)
    assert seen(world, TARGET, "KEY") == "there"


def test_code_that_was_built_with_other_values_is_refused(world: World) -> None:
    template = "web: {git: ., env: {KEY: '${KEY}'}, build_env: [KEY]}\n"
    set_secret(world, NAME, "here")
    set_secret(world, TARGET, "there")
    world.deploy(template, CODE, secrets={"KEY"})
    with pytest.raises(CalzionError, match="web was built with KEY of app") as raised:
        world.promote(TARGET)
    assert "push the same commit to production" in raised.value.hint
    assert "here" not in str(raised.value) and "there" not in str(raised.value)
    set_secret(world, TARGET, "here")
    world.promote(TARGET)


def test_another_repository_is_refused(world: World) -> None:
    with world.parts.database.write() as connection:
        deployments.create(connection, NAME, "one", 0.0)
        deployments.create(connection, TARGET, "other", 0.0)
    world.deploy("web: {git: .}\n", CODE, repository="one")
    with pytest.raises(CalzionError, match="belongs to the repository other, not to one") as raised:
        world.promote(TARGET)
    assert raised.value.code == "refused"


def test_what_can_not_be_promoted(world: World) -> None:
    with pytest.raises(CalzionError, match="to itself"):
        world.promote(NAME)
    with pytest.raises(CalzionError, match="there is no deployment app"):
        world.promote(TARGET)
    world.deploy("web: {git: .}\n", CODE)
    world.builder.slugs.clear()
    with pytest.raises(CalzionError, match="the slug of app:web is gone"):
        world.promote(TARGET)
