"""What would happen is told, and nothing happens; and branches are deleted with what they stand for."""

from __future__ import annotations

import hashlib
import sqlite3

from tests.stories.apps import web
from tests.stories.site import Site, eventually

TEMPLATE = """
web:
  git: .
  env: {LEVEL: info}
calzion/redis:
"""


def state(site: Site) -> dict[str, str]:
    """Everything that Calzion keeps: the store row by row, and every other file by its content."""
    found = {}
    for path in sorted(site.data.rglob("*")):
        relative = path.relative_to(site.data)
        skipped = relative.parts[0] in ("run", "logs", "instances") or relative.name.startswith("calzion.db")
        if path.is_file() and not path.is_symlink() and not skipped:
            found[str(relative)] = hashlib.sha256(path.read_bytes()).hexdigest()
    with sqlite3.connect(f"file:{site.data}/calzion.db?mode=ro", uri=True) as connection:
        for number, line in enumerate(connection.iterdump()):
            found[f"store {number}"] = line
    return found


def instances(site: Site) -> list[str]:
    return sorted(path.name for path in (site.data / "instances").iterdir())


def test_a_plan_changes_nothing_anywhere(site: Site) -> None:
    repository = site.repository("plans", web(template__yaml=TEMPLATE))
    assert repository.push("plans-one").status == 0
    first = repository.git("rev-parse", "HEAD")[:7]
    eventually(lambda: all(each["state"] == "running" for each in site.json("ps", "plans-one")))

    changed = TEMPLATE.replace("info", "debug").replace("calzion/redis:", "api: {git: .}\nGenerate: {KEY: }")
    changed += "Run: {seed: {service: web, cmd: 'true'}}\n"
    repository.commit({"template.yaml": changed})
    second = repository.git("rev-parse", "HEAD")[:7]
    before, ran = state(site), instances(site)
    plan = repository.push("plans-one", "-o", "plan")
    assert plan.status != 0 and "plan only: nothing was changed" in plan
    lines = [line.split(maxsplit=1) for line in plan.text.splitlines()]
    told = {words[0]: words[1] for words in lines if len(words) == 2}
    assert told["api"] == "added"
    assert told[
        "web"
    ] == f"changed: code {first}..{second}, env API_ADDR API_HOST API_PORT LEVEL REDIS_ADDR " + (
        "REDIS_HOST REDIS_PORT REDIS_URL"
    ), plan
    assert told["redis"].startswith("removed: its volume data (") and told["redis"].endswith("MB) is kept")
    assert told["seed"] == "runs once, in web"
    assert state(site) == before and instances(site) == ran

    fresh = repository.push("plans-two", "-o", "plan")
    assert "plan only: nothing was changed" in fresh and "web    added" in fresh
    assert state(site) == before and instances(site) == ran
    assert "there is no deployment plans-two" in site.calzion("ps", "plans-two").stderr


def test_the_plan_of_what_is_there_is_empty(site: Site) -> None:
    repository = site.repository("same", web())
    assert repository.push("same-one").status == 0
    repository.commit({})
    assert "web   unchanged" in repository.push("same-one", "-o", "plan")


def test_a_wrong_template_fails_a_plan_as_it_fails_a_push(site: Site) -> None:
    repository = site.repository("wrong", web(template__yaml="web: {gti: .}\n"))
    plan = repository.push("wrong-one", "-o", "plan")
    assert "did you mean 'git'?" in plan and "plan only" not in plan


def test_a_branch_is_deleted_with_its_deployment_where_that_is_confirmed(site: Site) -> None:
    repository = site.repository("gone", web(template__yaml=TEMPLATE))
    assert repository.push("gone-one").status == 0
    unconfirmed = delete(repository, "gone-one")
    assert unconfirmed[0] != 0
    assert "this would destroy gone-one and its volumes redis.data (" in unconfirmed[1]
    assert "git push -o destroy=gone-one calzion :gone-one" in unconfirmed[1]
    assert "this would destroy gone-one" in delete(repository, "gone-one", "-o", "destroy=gone-two")[1]
    assert site.json("ps", "gone-one")

    status, text = delete(repository, "gone-one", "-o", "destroy=gone-one")
    assert status == 0, text
    assert repository.remote_ref("gone-one") == ""
    assert site.calzion("ps", "gone-one").returncode == 3
    assert not (site.data / "volumes" / "gone-one").exists()
    again = repository.push("gone-one")
    assert again.status == 0 and "release v1" in again


def test_destroying_goes_with_a_deletion_alone(site: Site) -> None:
    repository = site.repository("alone", web())
    push = repository.push("alone-one", "-o", "destroy=alone-one")
    assert push.status != 0 and "goes with the deletion of a branch" in push


def delete(repository: object, branch: str, *options: str) -> tuple[int, str]:
    process = repository.start("push", *options, "calzion", f":refs/heads/{branch}")  # type: ignore[attr-defined]
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors
