"""Domains through a real HAProxy: where they lead, who may come, and what a change of them costs."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping

import bcrypt
import pytest

from calzion.infrastructure import Domain, Target
from calzion.model import DeploymentName, ServiceName
from calzion.routing.frontend import COOKIE
from calzion.routing.table import Pool, RouteTable
from tests.integration.router_rig import App, Apps, Rig, free_port, read_all, until

SHOP, API = (Target(DeploymentName("shop"), ServiceName(name)) for name in ("web", "api"))
SECRET = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("router"), outside=(free_port(), free_port()))
    yield rig
    rig.close()


@pytest.fixture(autouse=True)
def empty(rig: Rig) -> Iterator[None]:
    yield
    rig.empty()


@pytest.fixture
def app() -> Iterator[Apps]:
    apps = Apps()
    yield apps
    apps.close()


def table(
    domains: Mapping[str, Domain],
    services: Mapping[Target, list[App]],
    hosts: Mapping[str, Target] | None = None,
) -> RouteTable:
    pools = {
        str(target): Pool(name=str(target), endpoints=tuple(each.endpoint for each in apps))
        for target, apps in services.items()
    }
    return RouteTable(
        hosts={host: str(target) for host, target in (hosts or {}).items()},
        pools=pools,
        domains=domains,
        services={target: str(target) for target in services},
    )


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read().decode()

    @property
    def app(self) -> str:
        return str(json.loads(self.body)["app"]) if self.status == 200 else str(self.status)

    @property
    def seen(self) -> dict[str, str]:
        return dict(json.loads(self.body)["headers"])


def ask(rig: Rig, host: str, path: str = "/", **headers: str) -> Answer:
    connection = rig.connect()
    try:
        connection.request("GET", path, headers={"Host": host, **headers})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_exact_names_come_before_hosts_and_those_before_wildcards(rig: Rig, app: Apps) -> None:
    domains = {
        "*.example.com": Domain(paths={"/": SHOP}),
        "api.example.com": Domain(paths={"/": API}),
        "taken.example.com": Domain(paths={"/": API}),
    }
    hosts = {"own.example.com": API, "taken.example.com": SHOP}
    rig.router.apply(table(domains, {SHOP: [app("shop")], API: [app("api")]}, hosts))
    expected = {
        "www.example.com": "shop",
        "API.example.com:8080": "api",
        "own.example.com": "api",
        "taken.example.com.": "api",
        "example.com": "404",
        "a.b.example.com": "404",
        "*.example.com": "shop",
        "xexample.com": "404",
    }
    assert {host: ask(rig, host).app for host in expected} == expected
    assert ask(rig, "api.example.com/").app in ("400", "404")


def test_the_longest_prefix_of_whole_parts_decides(rig: Rig, app: Apps) -> None:
    deep = Target(SHOP.deployment, ServiceName("deep"))
    domains = {
        "example.com": Domain(paths={"/": SHOP, "/api": API, "/api/v2": deep}),
        "parts.test": Domain(paths={"/api": API}),
    }
    rig.router.apply(table(domains, {SHOP: [app("shop")], API: [app("api")], deep: [app("deep")]}))
    expected = {
        "/": "shop",
        "/api": "api",
        "/api?x=/api/v2": "api",
        "/api/": "api",
        "/apis": "shop",
        "/api/v1/x": "api",
        "/api/v2/x": "deep",
        "/api/v22": "api",
        "/API": "shop",
        "http://example.com/api": "api",
    }
    assert {path: ask(rig, "example.com", path).app for path in expected} == expected
    assert [ask(rig, "parts.test", path).app for path in ("/api/x", "/", "/apis")] == ["api", "404", "404"]
    assert ask(rig, "parts.test").body == "Nothing answers to this path here.\n"


def test_what_does_not_run_is_starting_or_stopped(rig: Rig) -> None:
    rig.router.apply(table({"example.com": Domain(paths={"/": SHOP})}, {}))
    assert ask(rig, "example.com").body == "This application is starting or stopped.\n"


def test_a_redirect_keeps_path_and_query(rig: Rig) -> None:
    rig.router.apply(table({"*.old.test": Domain(redirect="https://example.com/shop")}, {}))
    moved = ask(rig, "www.old.test", "/a/b?c=%20d")
    assert (moved.status, moved.headers["Location"]) == (308, "https://example.com/shop/a/b?c=%20d")
    for line in (b"GET @evil.test/ HTTP/1.1", b"GET .evil.test HTTP/1.1", b"OPTIONS * HTTP/1.1"):
        answer = rig.raw(line + b"\r\nHost: www.old.test\r\nConnection: close\r\n\r\n")
        assert answer.split(b" ", 2)[1] in (b"400", b"404"), answer


def test_a_password_opens_a_domain_and_does_not_reach_the_application(rig: Rig, app: Apps) -> None:
    domains = {
        "closed.test": Domain(paths={"/": SHOP}, auth={"alice": SECRET}),
        "*.closed.test": Domain(paths={"/": SHOP}, auth={"bob": SECRET}),
        "open.test": Domain(paths={"/": SHOP}),
    }
    rig.router.apply(table(domains, {SHOP: [app("shop")]}))
    refused = ask(rig, "closed.test")
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Basic realm="restricted"')
    right = basic("alice", "open sesame")
    for wrong in (basic("alice", "open"), basic("bob", "open sesame"), "Bearer x", "Basic !", right[:-4]):
        assert ask(rig, "closed.test", Authorization=wrong).app == "401", wrong
    opened = ask(rig, "closed.test", Authorization=right)
    assert opened.app == "shop" and "authorization" not in opened.seen
    assert ask(rig, "x.closed.test", Authorization=right).app == "401"
    assert ask(rig, "x.closed.test", Authorization=basic("bob", "open sesame")).app == "shop"
    assert ask(rig, "open.test", Authorization=right).seen["authorization"] == right
    for host in ("closed.test/", "n:closed.test", "closed.test//", "closed.test%2f"):
        assert ask(rig, host).app in ("400", "404"), host


def test_without_the_doorkeeper_nobody_comes_in(rig: Rig, app: Apps) -> None:
    domains = {"closed.test": Domain(paths={"/": SHOP}, auth={"alice": SECRET})}
    rig.router.apply(table(domains, {SHOP: [app("shop")]}))
    right = basic("alice", "open sesame")
    assert ask(rig, "closed.test", Authorization=right).app == "shop"
    rig.kill_daemon()
    answer = ask(rig, "closed.test", Authorization=right)
    assert (answer.status, answer.body) == (503, "Passwords can't be checked at the moment.\n")
    rig.start()
    assert until(lambda: ask(rig, "closed.test", Authorization=right).app) == "shop"


def test_a_client_stays_at_its_instance_until_that_has_gone(rig: Rig, app: Apps) -> None:
    domains = {"sticky.test": Domain(paths={"/": SHOP}, sticky=True), "free.test": Domain(paths={"/": SHOP})}
    apps = [app(str(number)) for number in range(3)]
    rig.router.apply(table(domains, {SHOP: apps}))
    first = ask(rig, "sticky.test")
    cookie = first.headers["Set-Cookie"].partition(";")[0]
    assert cookie.startswith(f"{COOKIE}=") and str(apps[0].endpoint.port) not in cookie
    again = [ask(rig, "sticky.test", Cookie=f"a=b; {cookie}") for _ in range(12)]
    assert {each.app for each in again} == {first.app} and {each.headers["Set-Cookie"] for each in again} == {
        None
    }
    for lie in (f"{COOKIE}=x", f"{COOKIE}=127.0.0.1:1", f"{COOKIE}="):
        assert ask(rig, "sticky.test", Cookie=lie).headers["Set-Cookie"]
    assert ask(rig, "free.test").headers["Set-Cookie"] is None
    left = [each for each in apps if each.name != first.app]
    rig.router.apply(table(domains, {SHOP: left}))
    moved = ask(rig, "sticky.test", Cookie=cookie)
    assert moved.app != first.app and moved.headers["Set-Cookie"] != first.headers["Set-Cookie"]
    new = moved.headers["Set-Cookie"].partition(";")[0]
    next(each for each in left if each.name == moved.app).close()
    assert {ask(rig, "sticky.test", Cookie=new).app for _ in range(6)} == {
        each.name for each in left if each.name != moved.app
    }


def test_domains_are_there_after_a_crash_of_haproxy(rig: Rig, app: Apps) -> None:
    domains = {"closed.test": Domain(paths={"/": SHOP}, auth={"alice": SECRET}, sticky=True)}
    rig.router.apply(table(domains, {SHOP: [app("shop")]}))
    rig.kill_haproxy()
    assert ask(rig, "closed.test").app == "401"
    assert ask(rig, "closed.test", Authorization=basic("alice", "open sesame")).app == "shop"


def test_no_request_fails_while_domains_change(rig: Rig, app: Apps) -> None:
    services = {SHOP: [app("shop")], API: [app("api")]}
    steady = {"example.com": Domain(paths={"/": SHOP}), "*.wild.test": Domain(paths={"/": API})}
    changes = [
        {"a.wild.test": Domain(paths={"/": SHOP, "/api": API})},
        {"example.com": Domain(paths={"/": API}, sticky=True), "a.wild.test": Domain(paths={"/": API})},
        {f"x{number}.test": Domain(redirect="https://example.com") for number in range(500)},
        {},
    ]
    rig.router.apply(table(steady, services))
    over, found = threading.Event(), Counter[str]()

    def load(host: str) -> None:
        while not over.is_set():
            found[ask(rig, host).app] += 1

    threads = [threading.Thread(target=load, args=(host,)) for host in ("example.com", "a.wild.test")]
    for each in threads:
        each.start()
    for change in changes * 5:
        rig.router.apply(table(steady | change, services))
        before = found.total()
        until(lambda before=before: found.total() > before + 4)  # type: ignore[misc]
    over.set()
    for each in threads:
        each.join()
    assert found.keys() == {"shop", "api"}, found


def test_a_port_to_the_outside_leads_to_a_service_while_a_file_says_so(rig: Rig, app: Apps) -> None:
    one, two = app("one"), app("two")
    for served in (one, two):
        pool = Pool(name=served.name, endpoints=(served.endpoint,), http=False)
        rig.router.apply(RouteTable(ports={rig.outside[0]: pool.name}, pools={pool.name: pool}))
        assert f'"{served.name}"'.encode() in _raw(rig.outside[0])
        assert _raw(rig.outside[1]) == b""
    rig.router.apply(RouteTable())
    assert _raw(rig.outside[0]) == b""


def _raw(port: int) -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: raw\r\nConnection: close\r\n\r\n")
            return read_all(client)
    except (ConnectionResetError, BrokenPipeError):
        return b""
