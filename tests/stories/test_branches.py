"""A branch is an environment of its own: apart from the others, or begun with a copy of one, and gone in time."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
from typing import Any

import pytest

from tests.stories.apps import web
from tests.stories.site import Repository, Site, eventually

TEMPLATE = """
calzion/postgres:
calzion/redis:
web:
  git: .
  env: {SECRET: "${KEY}"}
  volumes: {uploads: /data/uploads}
Generate: {KEY: {length: 20}}
Run:
  clean: {service: web, cmd: python3 clean.py, sanitize: true}
"""

SERVER = """
import http.server, json, os, pathlib, socket

import psycopg2
import redis

UPLOADS = pathlib.Path("/data/uploads")


def emails():
    with psycopg2.connect(os.environ["DATABASE_URL"]) as database, database.cursor() as cursor:
        cursor.execute("create table if not exists people (email text)")
        cursor.execute("select email from people order by email")
        return [email for email, in cursor.fetchall()]


def fill():
    with psycopg2.connect(os.environ["DATABASE_URL"]) as database, database.cursor() as cursor:
        cursor.execute("insert into people values ('ann@example.org'), ('bob@example.org')")
    redis.from_url(os.environ["REDIS_URL"]).set("visits", 41)
    (UPLOADS / "photo").write_text("ann's")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/fill":
            fill()
        body = json.dumps(
            {
                "emails": emails(),
                "visits": redis.from_url(os.environ["REDIS_URL"], decode_responses=True).get("visits"),
                "files": sorted(path.name for path in UPLOADS.iterdir()),
                "seen": SEEN,
                "secret": os.environ["SECRET"],
                "url": os.environ["DATABASE_URL"],
                "names": [socket.gethostbyname(name) for name in ("postgres", "redis", "web")],
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


SEEN = emails()
http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""

CLEAN = """
import os, pathlib

import psycopg2

with psycopg2.connect(os.environ["DATABASE_URL"]) as database, database.cursor() as cursor:
    cursor.execute("update people set email = 'nobody' || ctid::text")
pathlib.Path("/data/uploads/photo").rename("/data/uploads/blurred")
print("cleaned", flush=True)
"""

FILES = {
    "template.yaml": TEMPLATE,
    "requirements.txt": "psycopg2-binary==2.9.13\nredis==8.1.0\n",
    "Procfile": "web: exec python3 server.py\nrelease: python3 -c 'print(\"migrated\")'\n",
    "server.py": SERVER,
    "clean.py": CLEAN,
}


def look(site: Site, deployment: str, path: str = "/") -> dict[str, Any]:
    status, text = site.get(deployment, path)
    assert status == 200, (status, text)
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture(scope="module")
def repository(site: Site) -> Repository:
    """With a deployment shop-staging that has data."""
    repository = site.repository("shop", FILES)
    push = repository.push("shop-staging")
    assert push.status == 0, push
    assert "clean" not in push, push
    look(site, "shop-staging", "/fill")
    return repository


def test_branches_of_one_template_share_nothing(site: Site, repository: Repository) -> None:
    push = repository.push("apart-pr1")
    assert push.status == 0, push
    one, other = look(site, "shop-staging"), look(site, "apart-pr1")
    assert one["emails"] == ["ann@example.org", "bob@example.org"] and one["visits"] == "41"
    assert other["emails"] == [] and other["visits"] is None and other["files"] == []
    assert (
        one["secret"] != other["secret"]
        and one["url"] != other["url"]
        and not {*one["names"]} & {*other["names"]}
    )


def test_a_branch_begins_with_a_copy_that_is_sanitized_first(site: Site, repository: Repository) -> None:
    before = look(site, "shop-staging")
    plan = repository.push("begun-pr1", "-o", "plan", "-o", "from=shop-staging")
    assert "clean      runs once, in web" in plan, plan
    copied = r"begins with the data of shop-staging: postgres \([\d.]+ MB\), redis \([\d.]+ MB\), web/uploads"
    assert re.search(copied, plan.text), plan
    push = repository.push("begun-pr1", "-o", "from=shop-staging", "-o", "ttl=3d")
    assert push.status == 0, push
    for words in (
        "begins with the data of shop-staging: postgres, redis, web/uploads",
        "Copying redis of shop-staging",
        "cleaned",
        "begun-pr1 removes itself in 2 d 23 h",
    ):
        assert words in push, push
    assert push.text.index("cleaned") < push.text.index("migrated") < push.text.index("Starting web")
    copied = look(site, "begun-pr1")
    assert [email[:6] for email in copied["seen"]] == ["nobody", "nobody"]
    assert copied["visits"] == "41" and copied["files"] == ["blurred"]
    assert copied["secret"] != before["secret"] and copied["url"] != before["url"]
    assert look(site, "shop-staging") == before

    repository.commit({})
    refused = repository.push("begun-pr1", "-o", "from=shop-staging")
    assert refused.status != 0 and "only a new deployment can begin with the data of shop-staging" in refused
    later = repository.push("begun-pr1")
    assert later.status == 0 and "cleaned" not in later and "removes itself in 2 d 23 h" in later, later
    look(site, "begun-pr1", "/fill")
    assert look(site, "shop-staging") == before


def test_a_failed_sanitizing_leaves_nothing_of_the_copy(site: Site, repository: Repository) -> None:
    before = look(site, "shop-staging")
    repository.commit({"clean.py": "raise SystemExit('not clean')\n"})
    push = repository.push("fails-pr1", "-o", "from=shop-staging")
    assert push.status != 0 and "the task clean failed" in push, push
    assert "migrated" not in push and "Starting web" not in push
    assert not (site.data / "volumes" / "fails-pr1").exists()
    assert repository.remote_ref("fails-pr1") == ""
    assert site.json("ps", "fails-pr1") == []
    assert look(site, "shop-staging") == before
    repository.commit({"clean.py": CLEAN})
    mended = repository.push("fails-pr1")
    assert mended.status == 0, mended
    assert "fails-pr1 was to begin with the data of shop-staging and has not gone live since" in mended
    assert look(site, "fails-pr1")["files"] == ["blurred"]


SMALL = web(template__yaml="calzion/redis:\nweb: {git: .}\n")


def test_a_branch_removes_itself_even_where_its_time_ends_while_nobody_looks(site: Site) -> None:
    repository = site.repository("brief", SMALL)
    assert "brief-pr1 removes itself in 3 h" in repository.push("brief-pr1", "-o", "ttl=181m")
    assert repository.push("brief-staging").status == 0
    (listed,) = (each for each in site.json("list") if each["name"] == "brief-pr1")
    assert listed["expires"].endswith("Z")
    assert ", expires in 3 h" in site.calzion("list").stdout
    assert "stays" in site.calzion("ttl", "brief-pr1", "never").stdout
    assert ", expires in" not in site.calzion("list").stdout.split("brief-pr1")[1].splitlines()[0]
    assert "removes itself in 6 d 23 h" in site.calzion("ttl", "brief-pr1", "1w").stdout

    # An hour ago, as it is after the machine was off for a while.
    with sqlite3.connect(site.data / "calzion.db") as connection:
        connection.execute("update deployments set expires = expires - 608400 where name = 'brief-pr1'")
    os.kill(site.pid("reconciler"), signal.SIGKILL)
    eventually(lambda: site.calzion("ps", "brief-pr1").returncode == 3, "the end of brief-pr1")
    assert repository.remote_ref("brief-pr1") == "" and repository.remote_ref("brief-staging")
    assert not (site.data / "volumes" / "brief-pr1").exists()
    assert site.get("brief-pr1")[0] != 200 and site.get("brief-staging")[0] == 200


def test_data_goes_only_to_those_who_may_deploy_where_it_comes_from(site: Site) -> None:
    assert site.repository("owned", SMALL).push("owned-staging").status == 0
    added = site.calzion(
        "keys",
        "add",
        "bob",
        str(site.add_key("bob")) + ".pub",
        "--allow",
        "owned-pr*",
        "--repository",
        "owned",
    )
    assert added.returncode == 0, added.stderr
    bob = site.repository("owned", SMALL, user="bob")
    refused = bob.push("owned-pr1", "-o", "from=owned-staging")
    assert refused.status != 0 and "bob's key may not push to owned-staging" in refused, refused
    admin = site.repository("owned", SMALL | {"Procfile": "web: exec false\n"})
    assert "start failed" in admin.push("owned-pr2", "-o", "from=owned-staging")
    unasked = bob.push("owned-pr2")
    assert "bob's key may not push to owned-staging" in unasked and "owned-pr2 was to begin with" in unasked
    other = site.repository("others", SMALL).push("others-pr1", "-o", "from=owned-staging")
    assert "owned-staging does not belong to the repository others" in other, other
    assert not {"owned-pr1", "others-pr1"} & {each["name"] for each in site.json("list")}


def test_a_deploy_without_a_push_may_begin_with_a_copy_too(site: Site) -> None:
    repository = site.repository("direct", SMALL)
    template = str(repository.path / "template.yaml")
    first = site.calzion("deploy", template, "direct-staging")
    assert first.returncode == 0, first.stderr
    plan = site.calzion("deploy", template, "direct-try", "--from", "direct-staging", "--plan")
    assert plan.returncode == 10 and "begins with the data of direct-staging: redis (" in plan.stdout, plan
    assert "direct-try" not in {each["name"] for each in site.json("list")}
    copied = site.calzion("deploy", template, "direct-try", "--from", "direct-staging", "--ttl", "3d")
    assert copied.returncode == 0, copied.stdout + copied.stderr
    assert "Copying redis of direct-staging" in copied.stdout
    assert "nothing sanitizes the data of direct-staging" in copied.stdout
    assert "direct-try removes itself in 2 d 23 h" in copied.stdout
    for plan_only in ((), ("--plan",)):
        again = site.calzion("deploy", template, "direct-try", "--from", "direct-staging", *plan_only)
        assert again.returncode == 4 and "only a new deployment" in again.stdout + again.stderr, again
