"""A forecast is what the rollout then does, takes no step to find out, and costs the same in a full store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from calzion.controller.claim import Claim
from calzion.controller.forecast import Forecast
from calzion.controller.plan import Plan
from calzion.controller.store import deployments, secrets
from calzion.model import Exit, ServiceName
from calzion.template import parse_template
from tests.fakes.backend import Program
from tests.fakes.builder import FakeTree
from tests.fakes.stores import migrated
from tests.fakes.world import NAME, World

FIRST = """
web: {git: ., require: [redis], env: {LEVEL: info}, build_env: [LEVEL]}
worker: {git: .}
redis: {image: calzion/redis}
Generate: {KEY: {length: 32}}
"""
SECRETS = frozenset({"SECRET"})
VERSIONS = (
    FIRST,
    FIRST.replace("info", "debug"),
    FIRST + "api: {git: ., env: {TOKEN: '${KEY}', SEEN: '${SECRET}'}}\n",
    FIRST.replace("worker: {git: .}", "mailer: {git: ., expose: {redis: CACHE}}"),
    FIRST.replace("redis: {image: calzion/redis}", "").replace(", require: [redis]", ""),
    FIRST + "Run: {seed: {service: web, cmd: seed, require: [redis]}}\n",
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return begun(World(tmp_path))


def begun(world: World) -> World:
    world.backend.programs["seed"] = Program(exit=Exit(status=0))
    with world.parts.database.write() as connection:
        made = deployments.create(connection, NAME, None, 0.0)
        secrets.set_secret(connection, world.vault, made, "SECRET", "hidden", 0.0)
    return world


def sources(template: str, commit: str) -> dict[ServiceName, FakeTree]:
    names = [each.name for each in parse_template(template.encode(), secrets=SECRETS).services if each.git]
    return {name: FakeTree(f"web: {name} {commit[0]}", commit) for name in names}


def forecast(world: World, template: str, commit: str) -> Forecast:
    parsed = parse_template(template.encode(), secrets=SECRETS)
    claim = Claim(user="t", commit=commit)
    return world.deployer.forecast(NAME, parsed, sources(template, commit), claim)


def deployed(world: World, template: str, commit: str) -> list[str]:
    """The lines in which the rollout told its plan."""
    world.events.clear()
    trees = sources(template, commit)
    world.deploy(template, {str(name): tree.procfile for name, tree in trees.items()}, commit, SECRETS)
    told = iter(world.events)
    next(each for each in told if each.kind == "step")
    return list(_logs(told))


def _logs(events: Iterator[Any]) -> Iterator[str]:
    for each in events:
        if each.kind != "log" or each.source:
            return
        yield each.text


@pytest.mark.parametrize("template", VERSIONS)
def test_a_forecast_is_what_the_rollout_does(world: World, template: str) -> None:
    deployed(world, FIRST, "1" * 40)
    assert not forecast(world, FIRST, "1" * 40).plan.changes_something
    for version, commit in ((template, "1" * 40), (template, "2" * 40), (FIRST, "2" * 40)):
        world.fuse.reset()
        plan: Plan = forecast(world, version, commit).plan
        assert world.fuse.steps == [], "nothing is written, started, routed or built"
        lines = plan.lines()
        assert deployed(world, version, commit) == lines
        assert not forecast(world, version, commit).plan.changes_something


def test_code_is_told_by_the_commits_of_each_service(world: World) -> None:
    deployed(world, FIRST, "1" * 40)
    data = forecast(world, FIRST, "2" * 40).as_dict()
    codes: Mapping[str, object] = {each["service"]: each["code"] for each in data["services"]}
    both = {"from": "1" * 40, "to": "2" * 40}
    assert codes == {"redis": None, "web": both, "worker": both}
    assert forecast(world, FIRST, "2" * 40).lines()[1] == "web      changed: code 1111111..2222222"


def test_only_volumes_that_are_told_of_are_measured(world: World) -> None:
    other = "other: {git: ., volumes: {data: /data}}\n"
    deployed(world, FIRST + other, "1" * 40)
    world.backend.measured.clear()
    forecast(world, FIRST + other, "2" * 40)
    assert world.backend.measured == []
    lines = forecast(world, FIRST, "1" * 40).lines()
    assert world.backend.measured == ["other.data"]
    assert any("its volume data (0.0 MB) is kept" in line for line in lines), lines


def test_a_forecast_looks_only_at_rows_of_its_own_deployment(tmp_path: Path) -> None:
    """As SQLite tells how it answers: a PostgreSQL scans such small tables as a whole."""
    world = begun(World(tmp_path, url=migrated("sqlite", tmp_path)))
    deployed(world, FIRST, "1" * 40)
    asked: list[tuple[str, Any]] = []
    with world.parts.database.read() as connection:
        engine = connection.engine

    def remember(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", remember)
    forecast(world, VERSIONS[2], "2" * 40)
    event.remove(engine, "before_cursor_execute", remember)
    assert asked
    with world.parts.database.read() as connection:
        for statement, values in asked:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            for row in rows:
                search = str(row[3])
                assert search.startswith("SEARCH") and "releases_state" not in search, (statement, search)
