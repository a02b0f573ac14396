"""gunicorn, uvicorn and a Node cluster, with PostgreSQL and Redis, as their authors wrote them."""

from __future__ import annotations

import http.client
import json
import socket

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.stories import shop
from tests.stories.site import Repository, Site, eventually

LIVE = "live.shop.localhost"


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    """Open connections keep an old release for as long as a test may take."""
    return ("--drain-timeout", "120")


@pytest.fixture(scope="module")
def pushed(site: Site) -> Repository:
    repository = site.repository("shop", shop.FILES)
    push = repository.push("shop")
    assert push.status == 0, push
    return repository


def test_host_names_ports_and_credentials_in_the_code(site: Site, pushed: Repository) -> None:
    status, body = site.get("site.shop")
    assert status == 200, body
    assert json.loads(body) == ["postgres", "postgres", True, "one GET 1.1 0", "one GET 1.1 0"]


def test_every_worker_of_a_cluster_answers(site: Site, pushed: Repository) -> None:
    seen: set[str] = set()
    eventually(lambda: len(seen) == 2 or seen.add(site.get("cluster.shop")[1]), "both workers")
    assert seen == {"worker 1", "worker 2"}


def test_large_and_chunked_bodies_on_one_connection(site: Site, pushed: Repository) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=60)
    megabyte = b"x" * (1 << 20)
    for body, length in ((megabyte * 30, 30 << 20), ((megabyte for _ in range(3)), 3 << 20), (b"", 0)):
        connection.request("POST", "/", body, {"Host": LIVE})
        answer = connection.getresponse()
        assert answer.read().decode() == f"one POST 1.1 {length}"
        assert not answer.will_close


def test_a_client_of_http_1_0(site: Site, pushed: Repository) -> None:
    with socket.create_connection(("127.0.0.1", site.http), timeout=60) as client:
        client.sendall(f"GET / HTTP/1.0\r\nHost: {LIVE}\r\n\r\n".encode())
        received = client.makefile("rb").read()  # to the end: the connection is closed
    assert received.startswith(b"HTTP/1.") and received.endswith(b"one GET 1.0 0")


def socket_to(site: Site) -> ClientConnection:
    raw = socket.create_connection(("127.0.0.1", site.http), timeout=60)
    return connect(f"ws://{LIVE}/", sock=raw, proxy=None, legacy=True)


def test_open_connections_outlive_a_deploy_until_they_are_done(site: Site, pushed: Repository) -> None:
    events = http.client.HTTPConnection("127.0.0.1", site.http, timeout=60)
    events.request("GET", "/events", headers={"Host": LIVE})
    stream = events.getresponse()
    assert stream.readline() == b"data: 0\n"
    talk = socket_to(site)
    assert talk.recv(60) == "one"

    pushed.commit({"live/live.py": shop.LIVE.replace('"one"', '"two"')})
    push = pushed.push("shop")
    assert push.status == 0 and "v1 draining" in push, push

    assert site.get("live.shop")[1].startswith("two")
    talk.send("still there?")
    assert talk.recv(60) == "still there?"
    assert b"data" in stream.readline() + stream.readline()
    with socket_to(site) as another:
        assert another.recv(60) == "two"
    assert len(site.json("ps", "shop:live")) == 2
    talk.close()
    stream.close()
    events.close()
    eventually(lambda: len(site.json("ps", "shop:live")) == 1, "the old release to end")
    assert json.loads(site.get("site.shop")[1])[3:] == ["two GET 1.1 0", "two GET 1.1 0"]


def test_workers_that_cannot_load_the_app_never_go_live(site: Site, pushed: Repository) -> None:
    before = site.get("site.shop")
    pushed.commit({"site/shop.py": "import nothing_of_this_name\n"})
    push = pushed.push("shop")
    assert push.status != 0 and "site.web.1 ended right after its start" in push, push
    assert "No module named 'nothing_of_this_name'" in push and "keeps serving" in push, push
    assert site.get("site.shop") == before
