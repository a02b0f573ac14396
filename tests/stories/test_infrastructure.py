"""An infrastructure file, applied to a deployment that serves meanwhile."""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from calzion.backends.docker.engine import Engine
from calzion.layout import Layout
from tests.stories.apps import web
from tests.stories.site import PROGRAM, Site, free_port

FILE = "Scale: {shop: {web: 2}}\nLimits: {shop: {web: {memory: 300M, pids: 500}}}\n"


DOMAINS = """
Domains:
  example.test:
    http: store:web
    auth: {{alice: {hash}}}
  "*.example.test": {{http: store:web, sticky: true}}
  old.test: {{redirect: http://example.test}}
"""


PORT = free_port()


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    return ("--tcp-ports", str(PORT))


@contextmanager
def requests(get: Callable[[], tuple[int, object]]) -> Iterator[Counter[int]]:
    """One after the other while the block runs; how often which status came."""
    found: Counter[int] = Counter()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            found[get()[0]] += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def engine_limits(site: Site, deployment: str) -> list[tuple[int, int]]:
    """Memory and processes of each of its containers, as the engine says."""
    api = Engine(Layout(site.data), os.environ).api
    labels = [f"calzion.installation={(site.data / 'installation').read_text().strip()}"]
    labels.append(f"calzion.deployment={deployment}")
    found = [api.inspect_container(each["Id"]) for each in api.containers(filters={"label": labels})]
    return [(each["HostConfig"]["Memory"], each["HostConfig"]["PidsLimit"]) for each in found]


def test_a_file_is_planned_applied_and_taken_back_without_a_failed_request(site: Site) -> None:
    file = site.root / "infrastructure.yaml"
    file.write_text(FILE + "Scael: {}\n")
    wrong = site.calzion("apply", str(file))
    assert wrong.returncode == 1 and "infrastructure.yaml:3:1: unknown section 'Scael'" in wrong.stderr

    assert site.repository("shop", web()).push("shop").status == 0
    file.write_text(FILE)
    before = {each["instance"] for each in site.json("ps", "shop")}
    planned = site.calzion("apply", "--plan", str(file))
    assert planned.returncode == 10, planned.stderr
    assert "Scale shop:web added: 1 -> 2" in planned.stdout
    assert "Limits shop:web added: memory 300M, pids 500" in planned.stdout
    assert {each["instance"] for each in site.json("ps", "shop")} == before

    with requests(lambda: site.get("shop")) as found:
        applied = site.calzion("apply", str(file))
        assert applied.returncode == 0, applied.stderr
        assert len(site.json("ps", "shop")) == 2
        if site.backend == "docker":
            assert engine_limits(site, "shop") == [(300 << 20, 500)] * 2
        again = site.calzion("apply", "--plan", "--json", str(file))
        assert again.returncode == 0 and json.loads(again.stdout)["entries"] == []

        file.write_text("Scale: {}\n")
        refused = site.calzion("apply", str(file))
        assert refused.returncode == 4 and "would remove Scale shop:web" in refused.stderr
        assert len(site.json("ps", "shop")) == 2
        assert site.calzion("apply", "--yes", str(file)).returncode == 0
        assert len(site.json("ps", "shop")) == 1
    assert found.keys() == {200}, found


def asked(site: Site, host: str, password: str = "") -> tuple[int, str]:
    """Status, and where a redirect leads."""
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=20)
    given = base64.b64encode(f"alice:{password}".encode()).decode()
    headers = {"Host": host} | ({"Authorization": f"Basic {given}"} if password else {})
    try:
        connection.request("GET", "/a?b", headers=headers)
        response = connection.getresponse()
        return response.status, response.headers.get("Location", "")
    finally:
        connection.close()


def test_domains_lead_to_a_deployment_while_the_file_changes(site: Site) -> None:
    hashed = subprocess.run(
        [*PROGRAM, "domains", "password"], input="open sesame\n", capture_output=True, text=True, check=True
    ).stdout.strip()
    file = site.root / "domains.yaml"
    file.write_text(DOMAINS.format(hash=hashed))
    applied = site.calzion("apply", "--yes", str(file))
    assert applied.returncode == 0 and hashed not in applied.stdout + applied.stderr, applied.stderr
    assert asked(site, "a.example.test")[0] == 503
    store = site.repository("store", web())
    assert store.push("store").status == 0
    assert asked(site, "a.example.test")[0] == 200
    assert [asked(site, "example.test", given)[0] for given in ("", "wrong", "open sesame")] == [
        401,
        401,
        200,
    ]
    assert asked(site, "old.test") == (308, "http://example.test/a?b")
    url = f"http://example.test:{site.http}"
    assert site.json("show", "store")["urls"][0] == url and url in site.calzion("list").stdout
    again = site.calzion("apply", "--plan", str(file))
    assert again.returncode == 0 and hashed not in again.stdout

    with requests(lambda: asked(site, "example.test", "open sesame")) as found:
        file.write_text("Domains: {example.test: {http: 'store:web', paths: {/a: 'store:web'}}}\n")
        refused = site.calzion("apply", str(file))
        assert refused.returncode == 4 and "Domains old.test" in refused.stderr
        assert asked(site, "old.test")[0] == 308
        assert site.calzion("apply", "--yes", str(file)).returncode == 0
        assert [asked(site, host)[0] for host in ("example.test", "old.test")] == [200, 404]
        store.commit(web("two"))
        assert store.push("store").status == 0
    assert found.keys() == {200}, found
    file.write_text(f"{file.read_text()}Ports: {{':{PORT}': 'store:web'}}\n")
    assert site.calzion("apply", str(file)).returncode == 0
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/") as answer:
        assert b'"two"' in answer.read()
    (listed,) = site.json("domains", "list")
    assert (listed["domain"], listed["paths"]) == ("example.test", {"/": "store:web", "/a": "store:web"})
    file.write_text("Domains: {web.store.localhost: 'shop:web', example.test: 'store:web'}\n")
    assert "web.store.localhost belongs to store" in site.calzion("apply", "--plan", str(file)).stderr
