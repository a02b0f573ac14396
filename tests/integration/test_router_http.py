"""Requests through the real HAProxy."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.sync.server import Server, ServerConnection, serve

from calzion.errors import CalzionError
from calzion.model import Endpoint
from calzion.routing.haproxy import HaproxyRouter
from calzion.routing.slots import SLOTS
from calzion.routing.state import load_state
from calzion.routing.table import Pool, RouteTable
from tests.integration.router_rig import Apps, Rig, read_all, until, web


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("router"))
    yield rig
    rig.close()


@pytest.fixture(autouse=True)
def empty(rig: Rig) -> Iterator[None]:
    """Every test leaves the router as it found it, which is a test of `retire` too."""
    yield
    rig.empty()


@pytest.fixture
def app() -> Iterator[Apps]:
    apps = Apps()
    yield apps
    apps.close()


def test_a_host_leads_to_its_pool(rig: Rig, app: Apps) -> None:
    one, two = app("one"), app("two")
    rig.router.apply(
        web({"one.test": "p1", "two.test": "p2"}, {"p1": (one.endpoint,), "p2": (two.endpoint,)})
    )
    for host, name in (("one.test", "one"), ("TWO.test:8080", "two"), ("two.test.", "two")):
        status, body = rig.get(host)
        assert (status, json.loads(body)["app"]) == (200, name)


def test_ipv6_endpoints(rig: Rig, app: Apps) -> None:
    try:
        six = app("six", "::1")
    except OSError:
        pytest.skip("no IPv6 here")
    rig.router.apply(web({"six.test": "p6"}, {"p6": (six.endpoint,)}))
    assert rig.get("six.test")[0] == 200


def test_an_unknown_host_is_told_so(rig: Rig) -> None:
    assert rig.get("nobody.test") == (404, "No deployment answers to nobody.test here.\n")


@pytest.mark.parametrize(
    "host", ["<script>alert(1)</script>", "a b", '"x"', "%0d%0aX: y", "a" * 300, "[::1", "ä"]
)
def test_a_hostile_host_is_not_repeated(rig: Rig, host: str) -> None:
    answer = rig.raw(b"GET / HTTP/1.1\r\nHost: " + host.encode() + b"\r\nConnection: close\r\n\r\n")
    assert answer.split(b" ", 2)[1] in (b"400", b"404")
    assert host.encode() not in answer


def test_two_hosts_in_one_request_are_refused(rig: Rig, app: Apps) -> None:
    rig.router.apply(web({"one.test": "p1"}, {"p1": (app("one").endpoint,)}))
    answer = rig.raw(b"GET / HTTP/1.1\r\nHost: one.test\r\nHost: two.test\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_host_can_not_reach_an_internal_route(rig: Rig, app: Apps) -> None:
    port = rig.router.internal_ports[0]
    pool = Pool(name="t", endpoints=(app("internal").endpoint,), http=False)
    rig.router.apply(RouteTable(addresses={Endpoint("127.64.0.5", port): "t"}, pools={"t": pool}))
    assert rig.get(f"127.64.0.5:{port}")[0] == 404
    assert rig.get(f"a:127.64.0.5:{port}")[0] == 404


def test_a_pool_without_instances_says_it_is_starting_or_stopped(rig: Rig) -> None:
    rig.router.apply(web({"empty.test": "none"}, {"none": ()}))
    assert rig.get("empty.test") == (503, "This application is starting or stopped.\n")


def test_the_client_can_not_choose_forwarded_headers(rig: Rig, app: Apps) -> None:
    rig.router.apply(web({"one.test": "p1"}, {"p1": (app("one").endpoint,)}))
    lies = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.test",
        "Forwarded": "for=6.6.6.6",
        "Proxy": "http://evil.test",
    }
    headers = json.loads(rig.get("one.test", lies)[1])["headers"]
    told = {name: value for name, value in headers if name.startswith("x-forwarded")}
    assert told == {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-host": "one.test",
    }
    assert len([name for name, _ in headers if name.startswith("x-forwarded")]) == 3
    assert not {"forwarded", "proxy"} & {name for name, _ in headers}


def test_uploads_and_events_are_not_held_back(rig: Rig, app: Apps) -> None:
    one = app("one")
    rig.router.apply(web({"one.test": "p1"}, {"p1": (one.endpoint,)}))
    with socket.create_connection(("127.0.0.1", rig.port), timeout=20) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: one.test\r\nContent-Length: 300000\r\nConnection: close\r\n\r\nbegin"
        )
        assert one.arrived.wait(20), "the first bytes wait for the last"
        client.sendall(b"x" * 299_995)
        assert read_all(client).endswith(b"\r\n\r\n300000")
    connection = rig.connect()
    connection.request("GET", "/events", headers={"Host": "one.test"})
    events = connection.getresponse()
    assert events.readline() == b"data: first\n"
    one.released.set()
    assert b"data: last" in events.read()
    connection.close()


@pytest.fixture
def echo() -> Iterator[Endpoint]:
    server: Server = serve(_echo, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Endpoint("127.0.0.1", server.socket.getsockname()[1])
    server.shutdown()


def _echo(socket: ServerConnection) -> None:
    for message in socket:
        socket.send(message)


def test_a_websocket_outlives_the_switch_and_ends_with_its_pool(rig: Rig, app: Apps, echo: Endpoint) -> None:
    rig.router.apply(web({"ws.test": "old"}, {"old": (echo,)}))
    raw = socket.create_connection(("127.0.0.1", rig.port), timeout=20)
    with connect("ws://ws.test/", sock=raw) as client:
        rig.router.apply(web({"ws.test": "new"}, {"new": (app("new").endpoint,)}))
        assert json.loads(rig.get("ws.test")[1])["app"] == "new"
        client.send("still there?")
        assert client.recv(timeout=20) == "still there?"
        assert rig.router.connections("old") == 1
        rig.router.retire("old")
        assert rig.router.connections("old") == 0
        with pytest.raises(Exception, match=r"no close frame|closed|reset"):
            client.recv(timeout=20)


def test_a_request_under_way_ends_at_the_old_pool(rig: Rig, app: Apps) -> None:
    old, new = app("old"), app("new")
    rig.router.apply(web({"one.test": "v1"}, {"v1": (old.endpoint,)}))
    connection = rig.connect()
    connection.request("GET", "/slow", headers={"Host": "one.test"})
    assert old.arrived.wait(20)
    rig.router.apply(web({"one.test": "v2"}, {"v2": (new.endpoint,)}))
    assert rig.router.connections("v1") == 1
    old.released.set()
    assert json.loads(connection.getresponse().read())["app"] == "old"
    until(lambda: rig.router.connections("v1") == 0)
    connection.close()


def test_a_routed_pool_can_not_be_retired(rig: Rig, app: Apps) -> None:
    rig.router.apply(web({"one.test": "p1"}, {"p1": (app("one").endpoint,)}))
    with pytest.raises(ValueError, match="a route leads to 'p1'"):
        rig.router.retire("p1")
    assert rig.get("one.test")[0] == 200


def test_unknown_pools_are_no_trouble(rig: Rig) -> None:
    assert rig.router.connections("never heard of") == 0
    rig.router.retire("never heard of")


def test_retired_slots_are_used_again(rig: Rig, app: Apps) -> None:
    one = app("one")
    for number in range(30):
        rig.router.apply(web({"one.test": f"v{number}"}, {f"v{number}": (one.endpoint,)}))
        if number:
            rig.router.retire(f"v{number - 1}")
    assert rig.router.pools == {"v29"}
    slots = {placed.slot for placed in load_state(rig.layout.router).pools.values()}
    assert slots <= {"http_0", "http_1"}


def test_more_pools_than_slots_changes_nothing_and_says_so(rig: Rig, app: Apps) -> None:
    rig.router.apply(web({"one.test": "p1"}, {"p1": (app("one").endpoint,)}))
    with pytest.raises(CalzionError, match=f"all {SLOTS} web places are taken"):
        rig.router.apply(web({}, {f"many{number}": () for number in range(SLOTS)}))
    assert rig.get("one.test")[0] == 200


def test_a_large_table_is_one_switch(rig: Rig, app: Apps) -> None:
    one, two = app("one"), app("two")
    hosts = [f"a-rather-long-name-{number}.deployment.test" for number in range(1500)]
    for pool, each in (("p1", one), ("p2", two)):
        rig.router.apply(web(dict.fromkeys(hosts, pool), {pool: (each.endpoint,)}))
        for host in (hosts[0], hosts[777], hosts[-1]):
            assert json.loads(rig.get(host)[1])["app"] == each.name


def test_internal_addresses(rig: Rig, app: Apps) -> None:
    first, second = app("first"), app("second")
    ports = rig.router.internal_ports
    assert len(ports) == 8
    addresses = {Endpoint("127.64.1.2", ports[0]): "t1", Endpoint("127.64.1.2", ports[7]): "t2"}
    pools = {
        name: Pool(name=name, endpoints=(each.endpoint,), http=False)
        for name, each in (("t1", first), ("t2", second))
    }
    rig.router.apply(RouteTable(addresses=addresses, pools=pools))
    assert b'"first"' in _internal("127.64.1.2", ports[0])
    assert b'"second"' in _internal("127.64.1.2", ports[7])
    for host, port in (("127.64.1.3", ports[0]), ("127.64.1.2", ports[1]), ("127.0.0.1", ports[0])):
        assert _internal(host, port) == b""


def _internal(host: str, port: int) -> bytes:
    try:
        with socket.create_connection((host, port), timeout=20) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: internal\r\nConnection: close\r\n\r\n")
            return read_all(client)
    except (ConnectionResetError, BrokenPipeError):
        return b""


def test_an_instance_that_died_gets_no_requests(rig: Rig, app: Apps) -> None:
    alive, dead = app("alive"), app("dead")
    rig.router.apply(web({"one.test": "p1"}, {"p1": (alive.endpoint, dead.endpoint)}))
    dead.close()
    assert [rig.get("one.test")[0] for _ in range(20)] == [200] * 20


def test_a_second_router_object_goes_on_where_the_first_ended(rig: Rig, app: Apps) -> None:
    one, two = app("one"), app("two")
    rig.router.apply(web({"one.test": "p1"}, {"p1": (one.endpoint,)}))
    rig.router = HaproxyRouter(rig.layout)
    rig.router.apply(web({"one.test": "p2"}, {"p2": (two.endpoint,)}))
    assert json.loads(rig.get("one.test")[1])["app"] == "two"
    rig.router.retire("p1")
    assert HaproxyRouter(rig.layout).pools == {"p2"}


def test_a_router_that_is_not_there(tmp_path: Path) -> None:
    from calzion.layout import Layout

    router = HaproxyRouter(Layout(tmp_path), patience=0.1)
    with pytest.raises(CalzionError, match="the router does not answer"):
        router.apply(RouteTable())
    with pytest.raises(CalzionError, match="has not chosen its ports"):
        _ = router.internal_ports
