"""Exports and imports over parts in memory: what comes along, what is refused, and what a crash leaves."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from calzion.controller.locks import CancellationToken
from calzion.controller.moving.exporting import ExportOrder, export
from calzion.controller.moving.importing import ImportOrder, Imports
from calzion.controller.operations import destroy
from calzion.controller.store import deployments, releases, secrets, tasks
from calzion.controller.store.deployments import Deployment
from calzion.controller.transfer import _DUMP, _KEEP, _PACK, _RESTORE, _SNAPSHOT, _UNPACK
from calzion.errors import CalzionError
from calzion.model import DeploymentName, Exit, Slug
from calzion.progress import Story
from tests.fakes.backend import Program
from tests.fakes.fuse import Crash, Fused
from tests.fakes.histories import FakeHistories
from tests.fakes.world import NAME, World, quiet_crashes

TEMPLATE = """
Generate: {TOKEN: {length: 20}}
web:
  git: web
  release: migrate
  env: {KEY: '${KEY}', TOKEN: '${TOKEN}'}
  volumes: {files: /files}
  overlap: true
calzion/postgres:
calzion/redis:
Run:
  seed: {service: web, cmd: seed}
  clean: {service: web, cmd: clean, sanitize: true, require: [postgres]}
"""
PR = DeploymentName("pr")
COMMIT = "a" * 40
WELL = Program(exit=Exit(status=0))
FAILS = Program(exit=Exit(status=2))
EMPTY_TAR = "\0" * 10239


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = threading.excepthook
    quiet_crashes()
    yield
    threading.excepthook = before


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    _programs(world)
    with world.parts.database.write() as connection:
        mine = deployments.create(connection, NAME, "shop", 0)
        secrets.set_secret(connection, world.vault, mine, "KEY", "the key", 0)
    world.deploy(TEMPLATE, {"web": "web: serve"}, COMMIT, ["KEY"], repository="shop")
    world.events.clear()
    return world


def _programs(world: World) -> None:
    takes = Program(copies=True)
    gives = Program(lines=("data",), exit=Exit(status=0))
    files = Program(lines=(EMPTY_TAR,), exit=Exit(status=0))
    world.backend.programs |= {"migrate": WELL, "seed": WELL, "clean": WELL}
    world.backend.programs |= {_DUMP: gives, _SNAPSHOT: gives, _PACK: files}
    world.backend.programs |= {_RESTORE: takes, _KEEP: takes, _UNPACK: takes}


HISTORIES = FakeHistories("web: serve")


@pytest.fixture(autouse=True)
def histories() -> FakeHistories:
    HISTORIES.branches.clear()
    return HISTORIES


def exported(world: World, **order: Any) -> bytes:
    written = bytearray()
    wanted = ExportOrder(deployment=NAME, user="t", **order)
    story = Story(world.events.append)
    export(world.parts, HISTORIES, wanted, written.extend, story, CancellationToken())
    return bytes(written)


def imports_of(world: World) -> Imports:
    git: Any = Fused(HISTORIES, world.fuse, "unpack", "accept")
    return Imports(world.parts, world.deployer, git, world.directory / "imports")


def bring(world: World, content: bytes, **order: Any) -> None:
    imports, token = imports_of(world), CancellationToken()
    wanted = ImportOrder(deployment=PR, user="t", **order)
    with (
        imports.received(wanted, io.BytesIO(content)) as package,
        world.deployer.turn(PR, "a test", world.events.append, token),
    ):
        imports.roll_out(wanted, package, world.events.append, token)


def recover(world: World) -> None:
    world.start()
    world.reconciler.recover()
    imports_of(world).recover()
    world.reconciler.reconcile(first=True)


def told(world: World) -> list[str]:
    return [event.text for event in world.events]


def find(world: World, name: str = PR) -> Deployment | None:
    with world.parts.database.read() as connection:
        return deployments.find(connection, name)


def current(world: World, name: str = PR) -> releases.Release | None:
    found = find(world, name)
    with world.parts.database.read() as connection:
        return releases.current(connection, found.id) if found else None


def left(world: World) -> list[object]:
    """What there is of the imported deployment, besides its row and what its releases tell."""
    found = find(world)
    running = [each.service for each in world.backend.instances() if each.deployment == PR]
    kept: list[object] = [*running, *world.backend.volumes(PR), *(world.directory / "imports").glob("*")]
    if found:
        with world.parts.database.read() as connection:
            kept += deployments.generated_values(connection, world.vault, found)
            kept += secrets.listed(connection, found)
            kept += deployments.formation(connection, found.id)
            kept += tasks.done(connection, found.id)
        kept += ["copying"] if found.copying else []
    return kept


def values(world: World, name: str) -> tuple[dict[str, str], dict[str, str], frozenset[str]]:
    found = find(world, name)
    assert found
    with world.parts.database.read() as connection:
        versions = secrets.newest(connection, found.id)
        return (
            secrets.values(connection, world.vault, found, versions),
            deployments.generated_values(connection, world.vault, found),
            tasks.done(connection, found.id),
        )


def test_everything_comes_along(world: World) -> None:
    with world.parts.database.write() as connection:
        mine = deployments.find(connection, NAME)
        assert mine
        deployments.set_formation(connection, mine.id, {("web", "web"): 2})
        deployments.set_ttl(connection, mine.id, 86_400, 0)
    content = exported(world)
    world.events.clear()
    bring(world, content)
    release, found = current(world), find(world)
    assert release and release.number == 1 and release.act == "imports app v1" and release.commit == COMMIT
    assert found and found.repository == "shop" and found.ttl == 86_400 and not found.copying
    assert values(world, PR) == values(world, NAME)
    assert len([each for each in world.running() if (each.deployment, each.service) == (PR, "web")]) == 2
    assert HISTORIES.branches == {("shop", PR): COMMIT}
    assert not any("the task" in text for text in told(world)), "seed is done, and clean was not asked for"
    assert [*(world.directory / "imports").iterdir()] == []


QUEUE = "queue: {image: 'mycompany/queue:3'}"


def queue(digit: str) -> Slug:
    return Slug(
        key=digit * 64,
        digest=f"mycompany/queue@sha256:{digit * 64}",
        root=None,
        language="image",
        process_types=(),
        image=f"sha256:{digit * 64}",
        ports=(5672,),
    )


def with_image(world: World) -> bytes:
    """An export of a deployment with an image, whose tag leads to another one since."""
    world.backend.containers = True
    world.builder.registry["mycompany/queue:3"] = queue("1")
    world.deploy(QUEUE, {})
    world.builder.registry["mycompany/queue:3"] = queue("2")
    return exported(world)


def runs(world: World) -> str:
    (spec,) = (spec for spec in world.backend.specs.values() if spec.deployment == PR)
    return spec.image or ""


def test_images_are_those_that_ran(tmp_path: Path) -> None:
    world = World(tmp_path)
    content = with_image(world)
    world.builder.registry[queue("1").digest] = queue("1")
    bring(world, content)
    assert runs(world) == queue("1").image


def test_an_image_that_is_gone_is_had_by_its_tag(tmp_path: Path) -> None:
    world = World(tmp_path)
    content = with_image(world)
    world.events.clear()
    bring(world, content)
    assert runs(world) == queue("2").image
    assert any("mycompany/queue:3 is pulled instead" in text for text in told(world))


def test_data_is_in_place_before_anything_runs(world: World) -> None:
    content = exported(world)
    world.events.clear()
    bring(world, content, sanitize=True)
    steps = told(world)
    order = [
        steps.index("Restoring redis"),
        steps.index("Restoring web/files"),
        next(at for at, text in enumerate(steps) if text.startswith("Starting postgres")),
        steps.index("Restoring postgres"),
        next(at for at, text in enumerate(steps) if "the task clean" in text),
        next(at for at, text in enumerate(steps) if "the release command" in text),
        next(at for at, text in enumerate(steps) if text.startswith("Starting web")),
        next(at for at, text in enumerate(steps) if "push on from there" in text),
    ]
    assert order == sorted(order)


def test_an_export_says_that_it_holds_secrets_and_shows_none(world: World) -> None:
    exported(world)
    assert any("the file holds 1 secrets and 3 generated values" in text for text in told(world))
    assert b"the key" not in repr(world.events).encode()


def test_without_secrets_those_that_are_missing_are_named(world: World) -> None:
    content = exported(world, with_secrets=False)
    with pytest.raises(CalzionError, match="lacks KEY") as refused:
        bring(world, content)
    assert "calzion secrets set pr KEY" in refused.value.hint
    assert find(world) is None and left(world) == []
    with world.parts.database.write() as connection:
        mine = deployments.create(connection, PR, None, 0)
        secrets.set_secret(connection, world.vault, mine, "KEY", "another", 0)
    bring(world, content)
    kept, made, _ = values(world, PR)
    assert kept == {"KEY": "another"} and made["TOKEN"] != values(world, NAME)[1]["TOKEN"]


def test_secrets_that_are_there_stay(world: World) -> None:
    with world.parts.database.write() as connection:
        mine = deployments.create(connection, PR, None, 0)
        secrets.set_secret(connection, world.vault, mine, "KEY", "mine", 0)
    bring(world, exported(world))
    assert values(world, PR)[0] == {"KEY": "mine"}


def test_an_existing_deployment_is_refused(world: World) -> None:
    content = exported(world)
    bring(world, content)
    before = current(world)
    with pytest.raises(CalzionError, match="there is a deployment pr already"):
        bring(world, content)
    assert current(world) == before


def test_a_deployment_of_another_repository_is_refused(world: World) -> None:
    with world.parts.database.write() as connection:
        deployments.create(connection, PR, "yours", 0)
    with pytest.raises(CalzionError, match="belongs to the repository yours"):
        bring(world, exported(world))


def test_a_file_that_is_cut_off_anywhere_leaves_nothing(world: World) -> None:
    content = exported(world)
    for length in {*range(0, len(content), 97), len(content) - 1}:
        with pytest.raises(CalzionError, match="not whole") as refused:
            bring(world, content[:length])
        assert refused.value.code == "usage"
        assert find(world) is None and left(world) == []


@pytest.mark.every_step
@pytest.mark.parametrize("command", [_DUMP, _SNAPSHOT])
def test_data_that_can_not_be_read_ends_the_export(world: World, command: Any) -> None:
    world.backend.programs[command] = FAILS
    with pytest.raises(CalzionError, match="could not be read"):
        exported(world)


def test_files_that_change_meanwhile_are_named(world: World) -> None:
    world.backend.programs[_PACK] = replace(world.backend.programs[_PACK], exit=Exit(status=1))
    bring(world, exported(world))
    assert any("web wrote to web/files while it was read" in text for text in told(world))


@pytest.mark.parametrize("dump", [WELL, FAILS], ids=["succeeds", "fails"])
def test_a_paused_app_runs_again(world: World, dump: Program) -> None:
    before = {each.id for each in world.running()}
    world.backend.programs[_DUMP] = dump
    with suppress(CalzionError):
        exported(world, pause=True)
    assert "Pausing web" in told(world) and "Everything runs again" in told(world)
    assert {each.id for each in world.running()} == before
    world.check()


@pytest.mark.parametrize("command", [_RESTORE, _KEEP, _UNPACK, "migrate", "clean"])
def test_what_fails_leaves_nothing(world: World, command: Any) -> None:
    content = exported(world)
    before = world.backend.programs[command]
    world.backend.programs[command] = FAILS
    with pytest.raises(CalzionError):
        bring(world, content, sanitize=True)
    assert left(world) == [] and HISTORIES.branches == {}
    world.backend.programs[command] = before
    bring(world, content, sanitize=True)
    assert current(world)


def steps_of(world: World, content: bytes) -> list[str]:
    world.fuse.reset()
    bring(world, content)
    return list(world.fuse.steps)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_step_leaves_all_or_nothing(world: World, after: bool) -> None:
    content = exported(world)
    steps = steps_of(world, content)
    assert {"unpack", "commit", "attach", "ensure", "run", "apply", "accept"} <= set(steps)
    lived = []
    for number in range(1, len(steps) + 1):
        remove(world)
        world.fuse.reset(number, after=after)
        with suppress(Crash, CalzionError):
            bring(world, content)
        recover(world)
        world.settle()
        lived.append(current(world) is not None)
        if not lived[-1]:
            assert left(world) == [] and HISTORIES.branches == {}, (number, steps[number - 1])
            bring(world, content)
        assert current(world) and HISTORIES.branches == {("shop", PR): COMMIT}, (number, steps[number - 1])
        assert values(world, PR) == values(world, NAME)
        assert [*(world.directory / "imports").iterdir()] == []
        world.settle()
        world.check()
    assert lived == sorted(lived) and set(lived) == {False, True}


@pytest.mark.every_step
def test_a_full_disk_at_any_step_leaves_all_or_nothing(world: World) -> None:
    content = exported(world)
    steps = steps_of(world, content)
    for number in range(1, len(steps) + 1):
        remove(world)
        world.fuse.reset(number, full_disk=True)
        with suppress(CalzionError, OSError):
            bring(world, content)
        world.fuse.reset()
        world.reconciler.reconcile()
        world.settle()
        if current(world) is None:
            assert left(world) == [], (number, steps[number - 1])
        else:
            recover(world)
            assert HISTORIES.branches == {("shop", PR): COMMIT}, (number, steps[number - 1])
        world.check()


def remove(world: World) -> None:
    """Begin anew."""
    world.settle()
    if find(world):
        destroy(world.parts, world.traffic, PR, PR, Story(world.events.append))
    HISTORIES.branches.clear()
    assert find(world) is None and left(world) == []
