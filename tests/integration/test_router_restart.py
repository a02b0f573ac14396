"""kill -9 and restarts of every part."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.model import Endpoint
from calzion.routing.frontend import ROUTES
from calzion.routing.haproxy import HaproxyRouter
from calzion.routing.record import read_record, running_router, stop_router
from calzion.routing.runtime import RuntimeApi
from calzion.routing.slots import Server
from calzion.routing.table import RouteTable
from tests.integration.router_rig import App, Rig, until, web


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


@pytest.fixture
def apps() -> Iterator[tuple[App, App]]:
    both = App("one"), App("two")
    yield both
    for each in both:
        each.close()


def _serves(rig: Rig, host: str) -> str:
    status, body = rig.get(host)
    assert status == 200, body
    return str(json.loads(body)["app"])


def test_haproxy_killed_serves_the_last_table_and_refuses_no_connection(
    rig: Rig, apps: tuple[App, App]
) -> None:
    rig.router.apply(web({"one.test": "p1"}, {"p1": (apps[0].endpoint,)}))
    rig.router.apply(web({"one.test": "p2"}, {"p2": (apps[1].endpoint,)}))
    end, refused = threading.Event(), list[str]()

    def knock() -> None:
        while not end.is_set():
            try:
                socket.create_connection(("127.0.0.1", rig.port), timeout=20).close()
            except OSError as error:
                refused.append(repr(error))

    knocking = threading.Thread(target=knock)
    knocking.start()
    for _ in range(3):
        rig.kill_haproxy()
        assert _serves(rig, "one.test") == "two"
    end.set()
    knocking.join(30)
    assert refused == []
    rig.router.retire("p1")


def test_a_table_applied_while_haproxy_is_killed_arrives(rig: Rig, apps: tuple[App, App]) -> None:
    for round_ in range(4):
        os.kill(rig.haproxy, signal.SIGKILL)
        app = apps[round_ % 2]
        rig.router.apply(web({"one.test": f"p{round_}"}, {f"p{round_}": (app.endpoint,)}))
        assert _serves(rig, "one.test") == app.name


def test_the_daemon_killed_leaves_haproxy_which_the_next_adopts(rig: Rig, apps: tuple[App, App]) -> None:
    rig.router.apply(web({"one.test": "p1"}, {"p1": (apps[0].endpoint,)}))
    before = rig.haproxy
    rig.kill_daemon()
    assert running_router(rig.layout) is None
    assert _serves(rig, "one.test") == "one"
    rig.router.apply(web({"one.test": "p2"}, {"p2": (apps[1].endpoint,)}))
    rig.start()
    assert rig.haproxy == before
    rig.kill_haproxy()
    assert _serves(rig, "one.test") == "two"
    assert rig.stop_daemon() == 0


def test_both_killed(rig: Rig, apps: tuple[App, App]) -> None:
    rig.router.apply(web({"one.test": "p1"}, {"p1": (apps[0].endpoint,)}))
    ports, haproxy = rig.router.internal_ports, rig.haproxy
    rig.kill_daemon()
    os.kill(haproxy, signal.SIGKILL)
    rig.start()
    assert _serves(rig, "one.test") == "one"
    assert HaproxyRouter(rig.layout).internal_ports == ports


def test_sigterm_ends_everything_after_the_open_requests(rig: Rig, apps: tuple[App, App]) -> None:
    rig.router.apply(web({"one.test": "p1"}, {"p1": (apps[0].endpoint,)}))
    connection = rig.connect()
    connection.request("GET", "/slow", headers={"Host": "one.test"})
    assert apps[0].arrived.wait(20)
    record = read_record(rig.layout)
    rig.daemon.terminate()
    until(lambda: not rig.layout.router_socket.exists())
    apps[0].released.set()
    assert connection.getresponse().status == 200
    connection.close()
    assert rig.daemon.wait(30) == 0
    assert record is not None
    assert not record.haproxy.alive
    with pytest.raises(ConnectionRefusedError):
        rig.get("one.test")


def test_stop_router_ends_what_a_killed_daemon_left(rig: Rig) -> None:
    record = read_record(rig.layout)
    assert record is not None
    rig.kill_daemon()
    stop_router(rig.layout)
    assert not record.haproxy.alive


def test_stop_router_ends_the_daemon(rig: Rig, tmp_path: Path) -> None:
    reaper = threading.Thread(target=rig.daemon.wait)
    reaper.start()
    stop_router(rig.layout)
    reaper.join(30)
    assert rig.daemon.returncode == 0
    stop_router(rig.layout)
    stop_router(Layout(tmp_path / "nothing here"))


def test_one_daemon_per_data_directory(rig: Rig) -> None:
    second = rig.command()
    _, said = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "a router runs already" in said
    assert rig.get("x.test")[0] == 404


def test_an_address_in_use_is_said(tmp_path: Path, rig: Rig) -> None:
    other = Rig.__new__(Rig)
    other.layout, other.port, other.outside = Layout(tmp_path / "other"), rig.port, ()
    second = other.command()
    _, said = second.communicate(timeout=30)
    assert second.returncode == 1
    assert f"the router can't listen at 127.0.0.1:{rig.port}" in said


def test_apply_repairs_whatever_haproxy_holds(rig: Rig, apps: tuple[App, App]) -> None:
    table = web({"one.test": "p1"}, {"p1": (apps[0].endpoint,)})
    rig.router.apply(table)
    stray = Endpoint("127.0.0.1", 9)
    with RuntimeApi(rig.layout.router_socket) as api:
        api.add(Server.of("http_0", stray))
        api.add(Server.of("http_7", stray))
        api.rest(Server.of("http_0", apps[0].endpoint))
        api.replace(ROUTES, {"h:one.test": "http_7", "h:two.test": "http_0"})
    rig.router.apply(table)
    with RuntimeApi(rig.layout.router_socket) as api:
        assert api.entries(ROUTES) == {"h:one.test": "http_0"}
        assert api.servers() == {"http_0": {str(apps[0].endpoint): True}}
    assert _serves(rig, "one.test") == "one"
    assert rig.get("two.test")[0] == 404


def test_a_lost_state_file_is_made_again(rig: Rig, apps: tuple[App, App]) -> None:
    table = web({"one.test": "p1"}, {"p1": (apps[0].endpoint,)})
    rig.router.apply(table)
    (rig.layout.router / "state.json").write_text("{")
    rig.router = HaproxyRouter(rig.layout)
    rig.router.apply(table)
    assert _serves(rig, "one.test") == "one"
    rig.kill_haproxy()
    assert _serves(rig, "one.test") == "one"


def test_the_control_socket_is_for_the_owner_alone(rig: Rig) -> None:
    assert rig.layout.router_socket.stat().st_mode & 0o777 == 0o600
    rig.router.apply(RouteTable())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to give up")
def test_haproxy_does_not_stay_root(rig: Rig) -> None:
    rig.router.apply(RouteTable())
    status = Path(f"/proc/{rig.haproxy}/status").read_text()
    uids = next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))
    groups = next(line.split()[1:] for line in status.splitlines() if line.startswith("Groups:"))
    assert uids == ["65534"] * 4
    assert "0" not in groups
    assert Path(f"/proc/{rig.haproxy}/root").readlink() == rig.layout.door_socket.parent


def test_an_unusable_haproxy_is_a_sentence(rig: Rig) -> None:
    from calzion.routing.program import find_haproxy

    assert find_haproxy().version >= "2.6"
    with pytest.raises(CalzionError, match="the router does not answer"):
        HaproxyRouter(Layout(rig.layout.data / "elsewhere"), patience=0).apply(RouteTable())
