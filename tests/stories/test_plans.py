"""What would happen is told, and nothing happens; and branches are deleted with what they stand for."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from tests.stories.apps import web
from tests.stories.site import Repository, Site, eventually
from tests.stories.test_secrets import set_secret
from tests.stories.test_set_service import Api

TEMPLATE = """
web:
  git: .
  env: {LEVEL: info}
calzion/redis:
"""


def state(site: Site) -> dict[str, str]:
    """Everything that Calzion keeps: the store row by row, every directory, and every other file by its content."""
    found = {}
    for path in sorted(site.data.rglob("*")):
        relative = path.relative_to(site.data)
        skipped = relative.parts[0] in ("run", "logs", "instances") or relative.name.startswith("calzion.db")
        if skipped or path.is_symlink():
            continue
        if path.is_file():
            found[str(relative)] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif path.is_dir():
            found[str(relative)] = "directory"
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
    assert told["redis"].startswith("removed: its volume data (") and told["redis"].endswith(
        "MB) is kept until you remove it"
    )
    assert told["seed"] == "runs once, in web"
    assert state(site) == before and instances(site) == ran

    fresh = repository.push("plans-two", "-o", "plan")
    assert "plan only: nothing was changed" in fresh and "web    added" in fresh
    assert state(site) == before and instances(site) == ran
    assert "there is no deployment plans-two" in site.calzion("ps", "plans-two").stderr


def test_volumes_without_a_use_stay_until_that_is_confirmed(site: Site) -> None:
    template = "web: {git: ., volumes: {files: /files}}\ncalzion/redis:\n"
    repository = site.repository("volumes", web(template__yaml=template))
    assert repository.push("volumes-one").status == 0
    in_use = site.calzion("volumes", "remove", "volumes-one", "redis/data", "--yes")
    assert in_use.returncode == 4 and "redis/data is in use" in in_use.stderr
    repository.commit({"template.yaml": "web: {git: .}\n"})
    assert repository.push("volumes-one").status == 0
    kept = site.json("volumes", "list", "volumes-one")
    assert [(each["name"], each["used"]) for each in kept] == [("redis/data", False), ("web/files", False)]
    for each in kept:
        assert site.calzion("volumes", "remove", "volumes-one", each["name"], "--yes").returncode == 0
    assert site.json("volumes", "list", "volumes-one") == []
    assert site.calzion("volumes", "remove", "volumes-one", "redis/data", "--yes").returncode == 3


def test_the_plan_of_what_is_there_is_empty(site: Site) -> None:
    repository = site.repository("same", web())
    assert repository.push("same-one").status == 0
    repository.commit({})
    assert "web   unchanged" in repository.push("same-one", "-o", "plan")


def plan(site: Site, repository: Repository, target: str, *options: str) -> tuple[int, dict[str, Any]]:
    done = site.calzion("plan", str(repository.path / "template.yaml"), target, "--json", *options)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def items(forecast: dict[str, Any]) -> dict[str, str]:
    """The services as a deploy tells them."""
    return {
        each["service"]: ": ".join(filter(None, [each["change"], ", ".join(each["reasons"])]))
        for each in forecast["services"]
    }


def told(text: str, names: Iterable[str]) -> dict[str, str]:
    """What a deploy told of these services before it began with them."""
    lines = [line.split(maxsplit=1) for line in text.splitlines()]
    found: dict[str, str] = {}
    for words in lines:
        if len(words) == 2 and words[0] in names:
            found.setdefault(words[0], words[1])
    return found


def test_calzion_plan_says_what_a_deploy_then_does(site: Site) -> None:
    repository = site.repository("told", web(template__yaml=TEMPLATE))
    template = str(repository.path / "template.yaml")
    before, ran = state(site), instances(site)
    status, first = plan(site, repository, "told-one")
    assert status == 10 and first["changes"] and items(first) == {"redis": "added", "web": "added"}
    assert site.calzion("ps", "told-one").returncode == 3
    assert (state(site), instances(site)) == (before, ran)
    deployed = site.calzion("deploy", template, "told-one")
    assert deployed.returncode == 0 and told(deployed.stdout, items(first)) == items(first)
    assert site.json("releases", "told-one")[0]["version"] == 1, "a plan takes no number"

    eventually(lambda: all(each["state"] == "running" for each in site.json("ps", "told-one")))
    before, ran = state(site), instances(site)
    status, same = plan(site, repository, "told-one")
    assert status == 0 and not same["changes"], same
    nothing = site.calzion("deploy", template, "told-one", "--plan")
    assert nothing.returncode == 0 and "nothing would change" in nothing.stdout

    old = repository.git("rev-parse", "HEAD")
    changed = TEMPLATE.replace("info", "debug").replace("calzion/redis:", "api: {git: .}")
    repository.commit({"template.yaml": changed + "Run: {seed: {service: web, cmd: 'true'}}\n"})
    new = repository.git("rev-parse", "HEAD")
    status, forecast = plan(site, repository, "told-one")
    assert status == 10 and forecast["tasks"] == [{"name": "seed", "service": "web"}]
    by_name = {each["service"]: each for each in forecast["services"]}
    assert by_name["web"]["code"] == {"from": old, "to": new}
    assert by_name["redis"]["change"] == "removed" and list(by_name["redis"]["volumes"]) == ["data"]
    read = site.calzion("deploy", template, "told-one", "--plan")
    assert read.returncode == 10 and "plan only: nothing was changed" in read.stdout
    assert f"changed: code {old[:7]}..{new[:7]}, env" in read.stdout
    assert "MB) is kept" in read.stdout and "runs once, in web" in read.stdout
    assert (state(site), instances(site)) == (before, ran)

    done = site.calzion("deploy", template, "told-one")
    assert done.returncode == 0, done
    assert told(done.stdout, items(forecast)) == items(forecast)
    assert plan(site, repository, "told-one")[0] == 0
    assert repository.push("told-pushed").status == 0
    assert plan(site, repository, "told-pushed")[0] == 0, "a push of a commit is what a deploy of it is"


def test_a_plan_of_what_is_not_committed_and_of_secrets(site: Site) -> None:
    files = web(template__yaml="web: {git: ., env: {SEEN: '${TOKEN}'}}\nother: {git: .}\n")
    repository = site.repository("secret", files)
    refused = site.calzion("plan", str(repository.path / "template.yaml"), "secret")
    assert refused.returncode == 1 and "'${TOKEN}' names nothing" in refused.stderr
    assert set_secret(site, "secret", "TOKEN", "hidden-value").returncode == 0
    before = state(site)
    status, first = plan(site, repository, "secret")
    assert status == 10 and items(first) == {"other": "added", "web": "added"}
    assert state(site) == before
    assert site.calzion("deploy", str(repository.path / "template.yaml"), "secret").returncode == 0
    assert plan(site, repository, "secret")[0] == 0

    assert set_secret(site, "secret", "TOKEN", "another-value").returncode == 0
    status, forecast = plan(site, repository, "secret")
    assert status == 10
    assert items(forecast) == {"other": "unchanged", "web": "changed: secrets or generated values"}
    (repository.path / "server.py").write_text(web("two")["server.py"])
    status, dirty = plan(site, repository, "secret", "--working-tree")
    assert status == 10 and items(dirty)["other"] == "changed: code"
    assert dirty["services"][0]["code"]["to"] == "", "it is no commit"
    options = ("deploy", str(repository.path / "template.yaml"), "secret", "--working-tree")
    done = site.calzion(*options)
    assert done.returncode == 0 and told(done.stdout, items(dirty)) == items(dirty)
    assert site.calzion(*options, "--plan").returncode == 0


def test_a_plan_fails_as_the_deploy_would_and_lists_what_waits(site: Site) -> None:
    repository = site.repository("unfit", {"template.yaml": "web: {git: .}\n", "notes.txt": "none\n"})
    unfit = site.calzion("plan", str(repository.path / "template.yaml"), "unfit")
    assert unfit.returncode == 1 and "no buildpack fits" in unfit.stderr and "notes.txt" in unfit.stderr
    status, answer = Api(site).call("POST", "/deployments/unfit/plan", {"services": {"web": {"git": "."}}})
    assert status == 200 and answer["services"][0]["change"] == "held"
    assert "waits for its code" in answer["services"][0]["reasons"][0]
    hostile = {"services": {"web": {"git": "."}}, "codes": [{"services": ["web"], "digest": "../../x"}]}
    status, answer = Api(site).call("POST", "/deployments/unfit/plan", hostile)
    assert status == 400 and "40 hexadecimal digits" in answer["message"]
    assert site.calzion("ps", "unfit").returncode == 3


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
