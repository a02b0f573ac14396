"""Copies of data and times to live: the order of things, and what a failure or a crash leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from calzion.controller.claim import Claim
from calzion.controller.expiry import set_ttl
from calzion.controller.forecast import Forecast
from calzion.controller.locks import CancellationToken
from calzion.controller.operations import destroy
from calzion.controller.redeploy import redeploy
from calzion.controller.store import deployments, tasks
from calzion.controller.store.deployments import Deployment
from calzion.controller.transfer import _DUMP, _KEEP, _PACK, _RESTORE, _SNAPSHOT, _UNPACK
from calzion.errors import CalzionError
from calzion.model import DeploymentName, Exit, ServiceName
from calzion.progress import Event, Story
from calzion.template import parse_template
from tests.fakes.backend import Program
from tests.fakes.builder import FakeTree
from tests.fakes.fuse import Crash
from tests.fakes.world import NAME, World, quiet_crashes

TEMPLATE = """
web: {git: web, release: migrate, volumes: {files: /files}, require: [clean]}
calzion/postgres:
calzion/redis:
Run:
  seed: {service: web, cmd: seed}
  clean: {service: web, cmd: clean, sanitize: true, require: [postgres]}
"""
PR = DeploymentName("pr")
WELL = Program(exit=Exit(status=0))
FAILS = Program(exit=Exit(status=1))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = threading.excepthook
    quiet_crashes()
    yield
    threading.excepthook = before


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    takes = Program(copies=True)
    gives = Program(lines=("data",), exit=Exit(status=0))
    world.backend.programs |= {"migrate": WELL, "seed": WELL, "clean": WELL}
    world.backend.programs |= {_DUMP: gives, _SNAPSHOT: gives, _PACK: gives}
    world.backend.programs |= {_RESTORE: takes, _KEEP: takes, _UNPACK: takes}
    world.deploy(TEMPLATE, {"web": "web: serve"})
    world.events.clear()
    return world


def branch(
    world: World,
    heard: Callable[[Event], None] = lambda _: None,
    cancellation: CancellationToken | None = None,
    **terms: Any,
) -> None:
    """A deployment of the same template by another name."""
    cancellation = cancellation or CancellationToken()
    claim = Claim(user="t", **terms)
    sources = {ServiceName("web"): FakeTree("web: serve", "")}
    template = parse_template(TEMPLATE.encode())

    def listen(event: Event) -> None:
        world.events.append(event)
        heard(event)

    with world.deployer.turn(PR, "a test", listen, cancellation):
        claim = world.deployer.with_origin(PR, claim)
        world.deployer.check_origin(PR, claim)
        world.deployer.release_template(PR, template, sources, claim, listen, cancellation)


def told(world: World) -> list[str]:
    return [event.text for event in world.events]


def at(world: World, words: str) -> int:
    return next(number for number, text in enumerate(told(world)) if words in text)


def find(world: World, name: str = PR) -> Deployment | None:
    with world.parts.database.read() as connection:
        return deployments.find(connection, name)


def left(world: World, name: str = PR) -> list[str]:
    """What a deployment has: instances and volumes."""
    running = [each.service for each in world.backend.instances() if each.deployment == name]
    return running + list(world.backend.volumes(DeploymentName(name)))


def test_nothing_sees_the_copy_before_it_is_sanitized(world: World) -> None:
    branch(world, data_from=NAME)
    order = [
        at(world, "Copying redis of app"),
        at(world, "Copying web/files of app"),
        at(world, "Starting postgres"),
        at(world, "Copying postgres of app"),
        at(world, "Running the task clean"),
        at(world, "Running the release command"),
        at(world, "Running the task seed"),
        at(world, "Starting web"),
    ]
    assert order == sorted(order)
    deployment = find(world)
    assert deployment and not deployment.copying


def test_without_a_copy_nothing_is_sanitized(world: World) -> None:
    branch(world)
    assert not any("clean" in text for text in told(world))
    assert any("Starting web" in text for text in told(world))


def test_a_copy_that_nothing_sanitizes_is_warned_of(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.unit.controller.test_branches.TEMPLATE", TEMPLATE.replace(", sanitize: true", "")
    )
    branch(world, data_from=NAME)
    assert any("nothing sanitizes the data of app" in text for text in told(world))


@pytest.mark.parametrize(
    "command", [_DUMP, _RESTORE, _SNAPSHOT, _KEEP, _PACK, _UNPACK, "clean", "migrate", "seed"]
)
def test_what_fails_leaves_nothing_of_the_copy(world: World, command: Any) -> None:
    before = left(world, NAME)
    program = world.backend.programs[command]
    world.backend.programs[command] = replace(FAILS, exit=Exit(status=2))
    with pytest.raises(CalzionError) as caught:
        branch(world, data_from=NAME)
    assert caught.value.code == "release"
    assert left(world) == [] and left(world, NAME) == before
    deployment = find(world)
    assert deployment and not deployment.copying
    with world.parts.database.read() as connection:
        assert tasks.done(connection, deployment.id) == frozenset()
    world.backend.programs[command] = program
    branch(world, data_from=NAME)


@pytest.mark.parametrize("command", [_DUMP, _SNAPSHOT, _PACK])
def test_a_copy_that_is_cancelled_leaves_nothing(world: World, command: Any) -> None:
    cancellation = CancellationToken()
    world.backend.programs[command] = Program(lines=("data",))  # and it goes on

    def cancel(event: Event) -> None:
        if event.text.startswith("Copying"):
            cancellation.cancel()

    with pytest.raises(CalzionError) as caught:
        branch(world, cancel, cancellation, data_from=NAME)
    assert caught.value.code == "cancelled"
    assert left(world) == []


def test_a_redeploy_of_what_never_went_live_begins_with_the_copy_again(world: World) -> None:
    world.backend.programs["migrate"] = FAILS
    with pytest.raises(CalzionError):
        branch(world, data_from=NAME, ttl=3600)
    world.backend.programs["migrate"] = WELL
    world.events.clear()
    cancellation = CancellationToken()
    claim, listen = Claim(user="t"), world.events.append
    for again in (True, False):
        with world.deployer.turn(PR, "a test", listen, cancellation):
            redeploy(world.parts, world.deployer, PR, claim, listen, cancellation, rebuild=False)
        assert any("Copying postgres of app" in text for text in told(world)) is again
        world.events.clear()
    deployment = find(world)
    assert deployment and deployment.ttl == 3600


def test_the_next_push_begins_with_the_copy_again_until_one_is_live(world: World) -> None:
    world.backend.programs["migrate"] = FAILS
    for terms in ({"data_from": NAME}, {}):
        world.events.clear()
        with pytest.raises(CalzionError):
            branch(world, **terms)
        assert any("Copying postgres of app" in text for text in told(world))
        assert left(world) == []
        again = "pr was to begin with the data of app and has not gone live since"
        assert any(again in text for text in told(world)) is not bool(terms)
    world.backend.programs["migrate"] = WELL
    branch(world)
    world.events.clear()
    branch(world)
    assert not any("Copying" in text or "begin with" in text for text in told(world))


def test_what_was_to_be_copied_and_is_gone_says_how_to_begin_without(world: World) -> None:
    world.backend.programs["migrate"] = FAILS
    with pytest.raises(CalzionError):
        branch(world, data_from=NAME)
    story = Story(lambda _: None)
    destroy(world.parts, world.traffic, NAME, NAME, story)
    with pytest.raises(CalzionError, match="there is no deployment app") as caught:
        branch(world)
    assert "after 'calzion destroy pr' it begins without" in caught.value.hint
    destroy(world.parts, world.traffic, PR, PR, story)
    world.backend.programs["migrate"] = WELL
    branch(world)
    assert "web" in left(world)


def plan(world: World, name: str = PR, **terms: Any) -> Forecast:
    """What a push would do; nothing may come of it."""
    sources = {ServiceName("web"): FakeTree("web: serve", "")}
    deployment = DeploymentName(name)
    world.fuse.reset()
    claim = world.deployer.with_origin(deployment, Claim(user="t", **terms))
    forecast = world.deployer.forecast(deployment, parse_template(TEMPLATE.encode()), sources, claim)
    assert world.fuse.steps == []
    return forecast


def test_a_plan_says_what_a_push_would_copy(world: World) -> None:
    foreseen = plan(world, data_from=NAME)
    assert foreseen.lines()[-1] == (
        "begins with the data of app: postgres (0.0 MB), redis (0.0 MB), web/files (0.0 MB)"
    )
    assert foreseen.as_dict()["data"] == {
        "from": "app",
        "copied": {"postgres": 0, "redis": 0, "web/files": 0},
        "sanitized": True,
    }
    branch(world, data_from=NAME)
    assert "begins with the data of app: postgres, redis, web/files" in told(world)
    assert plan(world).as_dict()["data"] is None


def test_a_plan_warns_of_what_nothing_sanitizes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.unit.controller.test_branches.TEMPLATE", TEMPLATE.replace(", sanitize: true", "")
    )
    assert plan(world, data_from=NAME).lines()[-1].startswith("nothing sanitizes the data of app")


def test_a_plan_refuses_what_a_push_would(world: World) -> None:
    branch(world)
    refused: list[dict[str, Any]] = [
        {"data_from": NAME},
        {"name": "new", "data_from": "nothing"},
        {"name": "new", "data_from": NAME, "repository": "mine"},
    ]
    for terms in refused:
        with pytest.raises(CalzionError) as caught:
            plan(world, **terms)
        assert caught.value.code in ("refused", "not_found")


def test_a_plan_of_what_failed_copies_again(world: World) -> None:
    world.backend.programs["migrate"] = FAILS
    with pytest.raises(CalzionError):
        branch(world, data_from=NAME)
    assert plan(world).data_from == NAME


def test_files_that_change_meanwhile_are_told_and_copied(world: World) -> None:
    world.backend.programs[_PACK] = Program(lines=("data",), exit=Exit(status=1))
    branch(world, data_from=NAME)
    assert any("wrote to web/files while it was copied" in text for text in told(world))


def test_only_a_new_deployment_begins_with_a_copy(world: World) -> None:
    branch(world)
    with pytest.raises(CalzionError) as caught:
        branch(world, data_from=NAME)
    assert caught.value.code == "refused" and "pr has its own" in caught.value.message


def test_a_copy_of_what_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(CalzionError) as caught:
        branch(world, data_from="nothing")
    assert caught.value.code == "not_found"
    assert find(world) is None


def test_another_repository_gives_no_data(world: World) -> None:
    with pytest.raises(CalzionError) as caught:
        branch(world, data_from=NAME, repository="mine")
    assert caught.value.code == "refused"
    assert find(world) is None


@pytest.mark.every_step
def test_whatever_step_is_the_last_one_no_copy_stays_half(tmp_path: Path, world: World) -> None:
    world.fuse.reset()
    branch(world, data_from=NAME)
    steps = len(world.fuse.steps)
    _destroy(world)
    for number in range(1, steps + 1):
        for after in (False, True):
            world.fuse.reset(number, after=after)
            with pytest.raises(Crash):
                branch(world, data_from=NAME)
            world.recover()
            deployment = find(world)
            assert deployment is None or not deployment.copying
            serves = "web" in left(world)
            assert serves or left(world) == [], (number, after, left(world))
            _destroy(world)
    assert "web" in left(world, NAME)


def _destroy(world: World) -> None:
    world.settle()
    deployment = find(world)
    if deployment:
        set_ttl(world.parts, PR, 60)
        _pass_time(world, 61)
        assert find(world) is None


def _pass_time(world: World, seconds: float) -> None:
    """A pass of the reconciler at a later time."""
    now = world.parts.now()
    later = replace(world.parts, now=lambda: now + seconds)
    world.expire(later)


def test_a_deployment_removes_itself_when_its_time_is_over(world: World) -> None:
    branch(world, ttl=3600)
    assert any(text.startswith("pr removes itself in ") for text in told(world))
    _pass_time(world, 3599)
    assert find(world)
    _pass_time(world, 3601)
    assert find(world) is None and left(world) == []
    assert find(world, NAME)


def test_its_time_survives_a_restart(world: World) -> None:
    branch(world, ttl=3600)
    world.recover()
    _pass_time(world, 3601)
    assert find(world) is None


def test_a_later_release_keeps_its_time_or_renews_it(world: World) -> None:
    branch(world, ttl=3600)
    first = find(world)
    branch(world)
    assert find(world) == first
    branch(world, ttl=7200)
    renewed = find(world)
    assert first and renewed and renewed.expires and first.expires and renewed.expires > first.expires + 3000
    set_ttl(world.parts, PR, 0)
    _pass_time(world, 1e9)
    assert find(world)


def test_one_that_is_being_deployed_is_looked_at_again_afterwards(world: World) -> None:
    branch(world, ttl=60)
    now = world.parts.now()
    later = replace(world.parts, now=lambda: now + 61)
    with world.parts.locks.hold(PR, "a push", CancellationToken(), lambda _: None):
        world.begin_expiry(later)
        set_ttl(later, PR, 60)  # the push renews it
    world.settle()
    assert find(world)
    world.expire(later=replace(world.parts, now=lambda: now + 200))
    assert find(world) is None


def test_what_fails_at_its_first_release_goes_too(world: World) -> None:
    world.backend.programs["migrate"] = FAILS
    with pytest.raises(CalzionError):
        branch(world, ttl=60)
    assert find(world)
    _pass_time(world, 61)
    assert find(world) is None
