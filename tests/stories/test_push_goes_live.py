from __future__ import annotations

import json

from tests.stories.apps import web
from tests.stories.site import Site, eventually


def test_a_push_goes_live_and_the_next_one_replaces_it(site: Site) -> None:
    repository = site.repository("live", web())
    first = repository.push("live-staging")
    assert first.status == 0, first
    assert "-----> live-staging: release v1 from" in first and "Healthy after" in first
    assert f"http://live-staging.localhost:{site.http}" in first
    assert json.loads(site.get("live-staging")[1])["text"] == "one"
    repository.commit(web("two"))
    second = repository.push("live-staging")
    assert second.status == 0 and "changed: code" in second and "v1 draining" in second, second
    assert json.loads(site.get("live-staging")[1])["text"] == "two"
    eventually(lambda: len(site.json("ps", "live-staging")) == 1, "the old instance to end")


def test_an_unchanged_tree_touches_nothing(site: Site) -> None:
    repository = site.repository("same", web())
    repository.push("same-staging")
    before = site.json("ps", "same-staging")
    repository.commit({})
    push = repository.push("same-staging")
    assert push.status == 0 and "unchanged" in push, push
    after = site.json("ps", "same-staging")
    assert [each["instance"] for each in after] == [each["instance"] for each in before]
    assert [each["version"] for each in site.json("releases", "same-staging")] == [2, 1]


def test_the_same_tree_is_built_once_for_every_deployment(site: Site) -> None:
    repository = site.repository("once", web("built once"))
    repository.push("once-a")
    push = repository.push("once-b")
    assert push.status == 0 and "built before" in push, push
    assert site.get("once-a")[0] == site.get("once-b")[0] == 200


def test_services_reach_each_other(site: Site) -> None:
    files = web()
    files["template.yaml"] = (
        "Env: {COLOUR: blue}\nGenerate: {TOKEN: {length: 40}}\n"
        "calzion/redis:\ncalzion/postgres:\nfront:\n  git: .\n  env: {SECRET: '${TOKEN}'}\nback:\n  git: .\n"
    )
    push = site.repository("many", files).push("many-staging")
    assert push.status == 0, push
    env = json.loads(site.get("front.many-staging")[1])["env"]
    assert env["DATABASE_URL"].startswith("postgresql://") and env["REDIS_URL"].startswith("redis://")
    assert env["COLOUR"] == "blue" and len(env["SECRET"]) == 40 and "TOKEN" not in env
    assert env["DEPLOYMENT"] == "many-staging" and env["SERVICE"] == "front" and env["RELEASE"] == "v1"
    assert env["BACK_ADDR"] == f"{env['BACK_HOST']}:{env['BACK_PORT']}"
    assert site.get("many-staging")[0] == 404  # two services are routed: none is the only one
    secret = env["SECRET"].encode()
    assert not any(secret in file.read_bytes() for file in site.data.glob("calzion.db*"))


def test_scale_restart_logs_and_destroy(site: Site) -> None:
    repository = site.repository("ops", web())
    repository.push("ops-staging")
    assert site.calzion("scale", "ops-staging", "web=3").returncode == 0
    assert len(site.json("ps", "ops-staging")) == 3
    assert site.calzion("scale", "ops-staging", "web=1").returncode == 0
    before = site.json("ps", "ops-staging")[0]["instance"]
    assert site.calzion("restart", "ops-staging").returncode == 0
    eventually(lambda: [each["instance"] for each in site.json("ps", "ops-staging")] != [before])
    assert "listening" in site.calzion("logs", "ops-staging").stdout
    unknown = site.calzion("logs", "ops-staging:wbe")
    assert unknown.returncode == 3 and "it has instances of: web" in unknown.stderr, unknown
    refused = site.calzion("destroy", "ops-staging")
    assert refused.returncode == 4, refused
    assert site.calzion("destroy", "ops-staging", "--yes").returncode == 0
    assert site.get("ops-staging")[0] == 404
    assert repository.remote_ref("ops-staging") == ""
    assert site.calzion("ps", "ops-staging").returncode == 3
