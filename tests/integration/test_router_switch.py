"""Switches under load: no request fails, and no client sees new and old mixed."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.router_rig import App, Rig, until, web

_HOSTS = ("a.test", "b.test")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


class Load:
    """Clients that ask one host, then the other, until the end. `kept` clients keep their connection."""

    def __init__(self, rig: Rig, kept: int, fresh: int) -> None:
        self._rig = rig
        self._end = threading.Event()
        self.problems: list[str] = []
        self.rounds = [0] * (kept + fresh)
        self._threads = [
            threading.Thread(target=self._ask, args=(number, number < kept)) for number in range(kept + fresh)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self, number: int, kept: bool) -> None:
        connection = self._rig.connect()
        while not self._end.is_set():
            try:
                first, second = (self._version(connection, host, kept) for host in _HOSTS)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.problems.append(repr(error))
                return
            if second < first:
                self.problems.append(f"{_HOSTS[0]} was at {first} before {_HOSTS[1]} was at {second}")
            self.rounds[number] += 1
        connection.close()

    def _version(self, connection: http.client.HTTPConnection, host: str, kept: bool) -> int:
        headers = {"Host": host} if kept else {"Host": host, "Connection": "close"}
        connection.request("GET", "/", headers=headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise ValueError(f"{response.status} {body!r}")
        return int(json.loads(body)["app"])


def test_no_request_fails_while_two_hosts_switch_as_one(rig: Rig) -> None:
    old = [App("0"), App("0")]
    _switch(rig, 0, old)
    with Load(rig, kept=4, fresh=2) as load:
        for version in range(1, 26):
            new = [App(str(version)), App(str(version))]
            _switch(rig, version, new)
            before = min(load.rounds)
            until(lambda before=before: load.problems or min(load.rounds) > before)  # type: ignore[misc]
            for host in _HOSTS:
                pool = f"{host} v{version - 1}"
                until(lambda pool=pool: rig.router.connections(pool) == 0)  # type: ignore[misc]
                rig.router.retire(pool)
            for app in old:
                app.close()
            old = new
    assert load.problems == []
    for app in old:
        app.close()


def _switch(rig: Rig, version: int, apps: list[App]) -> None:
    pools = {f"{host} v{version}": (app.endpoint,) for host, app in zip(_HOSTS, apps, strict=True)}
    rig.router.apply(web(dict(zip(_HOSTS, pools, strict=True)), pools))


def test_no_request_fails_while_instances_come_and_go(rig: Rig) -> None:
    apps = [App("1") for _ in range(3)]
    hosts = dict.fromkeys(_HOSTS, "p")
    rig.router.apply(web(hosts, {"p": tuple(app.endpoint for app in apps)}))
    with Load(rig, kept=4, fresh=2) as load:
        for _ in range(15):
            leaving = apps.pop(0)
            apps.append(App("1"))
            rig.router.apply(web(hosts, {"p": tuple(app.endpoint for app in apps)}))
            before = min(load.rounds)
            until(lambda before=before: load.problems or min(load.rounds) > before + 1)  # type: ignore[misc]
            leaving.close()
    assert load.problems == []
    rig.router.apply(web(hosts, {"p": (apps[0].endpoint,)}))
    assert _settled(rig, hosts, apps[0]) == 1
    for app in apps:
        app.close()


def _settled(rig: Rig, hosts: dict[str, str], app: App) -> int:
    """How many servers are left in all slots once the next applies have swept."""
    from calzion.routing.runtime import RuntimeApi

    def count() -> int:
        rig.router.apply(web(hosts, {"p": (app.endpoint,)}))
        with RuntimeApi(rig.layout.router_socket) as api:
            return sum(len(servers) for servers in api.servers().values())

    until(lambda: count() == 1)
    return count()
