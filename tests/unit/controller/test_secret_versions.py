"""A release keeps the secrets that it was rolled out with, whatever is set or removed afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from calzion.controller.live import live_specs
from calzion.controller.store import deployments, releases, secrets
from calzion.controller.store.database import Database, _alembic, migrate
from calzion.controller.vault import Vault
from tests.fakes.world import NAME, World

TEMPLATE = "web: {git: ., env: {KEY: '${KEY}'}}\n"
CODE = {"web": "web: serve"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def set_secret(world: World, value: str | None) -> None:
    with world.parts.database.write() as connection:
        deployment = deployments.create(connection, NAME, None, 0.0)
        if value is None:
            assert secrets.remove(connection, deployment, "KEY")
        else:
            secrets.set_secret(connection, world.vault, deployment, "KEY", value, 0.0)


def deploy(world: World) -> None:
    world.deploy(TEMPLATE, CODE, secrets={"KEY"})


def seen(world: World) -> set[str]:
    return {spec.env["KEY"] for spec in live_specs(world.parts, 1)}


def test_what_runs_goes_on_with_the_value_of_its_release(world: World) -> None:
    set_secret(world, "first value")
    deploy(world)
    set_secret(world, "second value")
    assert seen(world) == {"first value"}
    (running,) = world.running()
    world.backend.stop([running.id])
    world.recover()
    (again,) = world.running()
    assert world.backend.specs[again.id].env["KEY"] == "first value"
    deploy(world)
    assert seen(world) == {"second value"}
    set_secret(world, None)
    world.recover()
    assert seen(world) == {"second value"}


def test_every_kept_value_is_hidden(world: World) -> None:
    set_secret(world, "first value")
    set_secret(world, "second value")
    assert world.deployer.mask(NAME).text("first value, second value") == "[KEY], [KEY]"


def test_no_version_stands_for_two_values(world: World) -> None:
    set_secret(world, "first value")
    set_secret(world, None)
    with world.parts.database.write() as connection:
        secrets.prune(connection, ())
    set_secret(world, "second value")
    with world.parts.database.read() as connection:
        deployment = deployments.find(connection, NAME)
        assert deployment
        assert secrets.newest(connection, deployment.id) == {"KEY": 2}
        assert secrets.values(connection, world.vault, deployment, {"KEY": 1}) == {}
        assert not secrets.are_kept(connection, {"KEY": 1})


def test_a_store_with_one_value_a_name_is_brought_along(tmp_path: Path) -> None:
    from alembic import command

    url = f"sqlite:///{tmp_path}/calzion.db"
    vault = Vault.open(tmp_path / "key")
    command.upgrade(_alembic(url), "0002")
    with create_engine(url).begin() as connection:
        connection.execute(text("INSERT INTO deployments VALUES (1, 'app', NULL, 200001, 0, 0)"))
        connection.execute(
            text(
                "INSERT INTO releases (id, deployment_id, number, state, 'commit', user, message, env, generate,"
                " source, created) VALUES (1, 1, 1, 'current', '', 'a', '', '{}', '[]', '', 0)"
            )
        )
        sealed = vault.seal("kept value", "app", "secret KEY")
        connection.execute(text("INSERT INTO secrets VALUES (1, 'KEY', :sealed, 5.0)"), {"sealed": sealed})
    migrate(url, tmp_path / "lock")
    with Database(url).read() as connection:
        deployment = deployments.by_id(connection, 1)
        release = releases.by_id(connection, 1)
        assert release.secrets == secrets.newest(connection, 1) == {"KEY": 1}
        assert secrets.values(connection, vault, deployment, release.secrets) == {"KEY": "kept value"}
    command.downgrade(_alembic(url), "0002")
    with create_engine(url).begin() as connection:
        assert connection.execute(text("SELECT name, changed FROM secrets")).all() == [("KEY", 5.0)]
