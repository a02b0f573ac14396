from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest

from tests.stories.apps import web
from tests.stories.site import Repository, Site, eventually

BACKENDS = ("process", "docker")


@pytest.fixture(scope="module")
def guestbook(site: Site) -> Iterator[Repository]:
    files = web("still here")
    files["template.yaml"] = "calzion/redis:\ncalzion/postgres:\nweb:\n  git: .\n"
    repository = site.repository("crash", files)
    push = repository.push("crash")
    assert push.status == 0, push
    yield repository


def serves(site: Site) -> bool:
    rows = site.json("ps", "crash") if site.calzion("status").returncode == 0 else []
    running = [row for row in rows if row["state"] == "running"]
    return len(running) == len(rows) == 3 and site.get("crash")[0] == 200


def test_kill_of_one_part(site: Site, guestbook: Repository) -> None:
    for part in site.parts():
        eventually(lambda: serves(site), "everything to serve")
        _kill_part(site, guestbook, part)


def _kill_part(site: Site, guestbook: Repository, part: str) -> None:
    before = {row["instance"] for row in site.json("ps", "crash")}
    pid = site.pid(part)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: site.pid(part) not in (0, pid), f"{part} to be started again")
    eventually(lambda: serves(site), f"everything to serve after the end of {part}")
    assert {row["instance"] for row in site.json("ps", "crash")} == before
    guestbook.commit(web(f"after {part}"))
    guestbook.commit({"template.yaml": "calzion/redis:\ncalzion/postgres:\nweb:\n  git: .\n"})
    push = guestbook.push("crash")
    assert push.status == 0, push
    assert json.loads(site.get("crash")[1])["text"] == f"after {part}"


def test_an_instance_that_dies_is_started_again(site: Site, guestbook: Repository) -> None:
    def restarts() -> int:
        return sum(row["restarts"] for row in site.json("ps", "crash") if row["service"] == "web")

    before = restarts()
    site.get("crash", "/die")
    eventually(lambda: restarts() > before, "the web process to be started again")
    eventually(lambda: serves(site))


def test_kill_of_everything_at_once(site: Site, guestbook: Repository) -> None:
    assert site.server is not None
    before = site.json("ps", "crash")
    pids = [site.pid(part) for part in site.parts()] + [site.server.pid]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    site.server.wait(10)
    assert site.server.stdout is not None
    site.server.stdout.close()
    site.start()
    eventually(lambda: serves(site), "everything to serve after the next start")
    after = site.json("ps", "crash")
    assert [row["instance"] for row in after] == [row["instance"] for row in before]


def test_an_upgrade_is_no_outage(site: Site, guestbook: Repository) -> None:
    assert site.server is not None
    site.server.send_signal(signal.SIGTERM)
    assert site.server.wait(60) == 0
    assert site.get("crash")[0] == 200
    assert site.server.stdout is not None
    site.server.stdout.close()
    site.start()
    eventually(lambda: serves(site))
