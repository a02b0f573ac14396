"""A new key for what is sealed, while what runs goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from calzion.controller.registries import login
from calzion.controller.rotation import rotate_key
from calzion.controller.store import deployments, registries, secrets
from calzion.controller.vault import Vault
from calzion.errors import CalzionError
from calzion.model import DeploymentName, Generate, Login
from tests.fakes.world import NAME, World

HOST = "registry.example.com"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    with world.parts.database.write() as connection:
        for name in (NAME, DeploymentName("other")):
            made = deployments.create(connection, name, None, 0.0)
            secrets.set_secret(connection, world.vault, made, "KEY", f"first of {name}", 0.0)
            secrets.set_secret(connection, world.vault, made, "KEY", f"second of {name}", 0.0)
            deployments.ensure_generated(connection, world.vault, made, [Generate(name="TOKEN", length=20)])
        registries.put(connection, world.vault, HOST, Login(user="u", password="hush"), 0.0)
    return world


def opened(world: World, vault: Vault) -> list[object]:
    """All values of both deployments, and the registry's."""
    found: list[object] = [login(world.parts.database, vault, HOST)]
    with world.parts.database.read() as connection:
        for each in deployments.all_deployments(connection):
            found.append(secrets.all_values(connection, vault, each))
            found.append(deployments.generated_values(connection, vault, each))
    return found


def test_every_value_opens_with_the_new_key_alone(world: World) -> None:
    path = world.directory / "key"
    before, old = opened(world, world.vault), path.read_bytes()
    assert rotate_key(world.parts.database, world.vault) == 7
    assert opened(world, world.vault) == opened(world, Vault.open(path)) == before
    path.with_name("old").write_bytes(old)
    with pytest.raises(CalzionError, match="can't be decrypted"):
        opened(world, Vault.open(path.with_name("old")))


def test_a_rotation_that_breaks_leaves_all_readable_and_can_be_done_again(world: World) -> None:
    before = opened(world, world.vault)
    with world.parts.database.write() as connection:
        found = deployments.find(connection, NAME)
        assert found
        secrets.set_secret(connection, Vault.open(world.directory / "stranger"), found, "KEY", "x", 0.0)
    with pytest.raises(CalzionError, match="can't be decrypted"):
        rotate_key(world.parts.database, world.vault)
    with world.parts.database.write() as connection:
        secrets.remove(connection, found, "KEY")
        secrets.prune(connection, {1, 2, 3, 4})
    assert opened(world, world.vault) == before
    rotate_key(world.parts.database, world.vault)
    assert opened(world, Vault.open(world.directory / "key")) == before
    assert (world.directory / "key").read_text().count("seal ") == 1
