"""Instances are found by others, here and in an etcd that may end at any time."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from calzion.discovery.etcd.access import Access
from calzion.discovery.etcd.registry import EtcdRegistry
from calzion.discovery.publisher import TTL
from calzion.discovery.registration import Selection
from calzion.registryurl import RegistryUrl
from tests.integration.etcd_server import EtcdServer
from tests.stories.apps import web
from tests.stories.site import PROGRAM, Repository, Site, eventually

CLIENT = Path(__file__).parents[2] / "examples" / "discovery" / "calzion_discovery.py"


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    server = EtcdServer(tmp_path_factory.mktemp("etcd"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def flags(etcd: EtcdServer) -> tuple[str, ...]:
    return ("--registry", f"etcd://127.0.0.1:{etcd.port}")


@pytest.fixture(scope="module")
def shop(site: Site) -> Repository:
    repository = site.repository("shop", web())
    push = repository.push("shop")
    assert push.status == 0, push
    return repository


@pytest.fixture
def elsewhere(etcd: EtcdServer) -> EtcdRegistry:
    return EtcdRegistry(Access(url=RegistryUrl.parse(f"etcd://127.0.0.1:{etcd.port}")))


def found(registry: EtcdRegistry) -> list[str]:
    return [each.registration.instance for each in registry.snapshot(Selection(deployment="shop")).instances]


def rows(site: Site) -> list[str]:
    return [row["instance"] for row in site.json("ps", "shop")]


def discovered(site: Site) -> list[str]:
    return [row["instance"] for row in site.json("discover", "shop:web")]


def answer(site: Site) -> dict[str, Any]:
    """Once there is one: an instance that was started anew gets requests when the router has seen it."""
    found: dict[str, Any] = eventually(lambda: _answered(*site.get("shop")), "an answer")
    return found


def _answered(status: int, text: str) -> Any:
    return json.loads(text) if status == 200 else None


def client(site: Site, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example's module, in the environment of an instance."""
    env = answer(site)["env"]
    for name in ("DISCOVERY_URL", "DISCOVERY_TOKEN", "SERVICE", "PORT"):
        monkeypatch.setenv(name, env[name])
    spec = importlib.util.spec_from_file_location("calzion_discovery", CLIENT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_who_is_up_is_found_and_who_dies_leaves(
    site: Site, shop: Repository, elsewhere: EtcdRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    eventually(lambda: rows(site) == discovered(site) == found(elsewhere), "the instance to be registered")
    app = client(site, monkeypatch)
    assert [each["instance"] for each in app.instances("web")] == rows(site)
    assert app.is_leader() and app.leader("nobody") is None
    seen = list[list[dict[str, Any]]]()
    watching = threading.Thread(target=lambda: seen.extend(_until_gone_and_back(app)))
    watching.start()
    command = [*PROGRAM, "discover", "shop", "--watch", "--data", str(site.data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout
        assert follower.stdout.readline().startswith("+ web 127.0.0.1:")
        watch = elsewhere.watch(elsewhere.snapshot(Selection()))
        site.get("shop", "/die")
        assert [change.present for change in watch.take(20)] == [False]
        assert follower.stdout.readline().startswith("- web 127.0.0.1:")
        assert [change.present for change in watch.take(20)] == [True]
        assert follower.stdout.readline().startswith("+ web 127.0.0.1:")
        watch.close()
        follower.terminate()
    watching.join(20)
    assert [len(each) for each in seen] == [1, 0, 1]


def _until_gone_and_back(app: ModuleType) -> Iterator[list[dict[str, Any]]]:
    for each in app.watch("web"):
        yield each
        app.rounds = getattr(app, "rounds", 0) + 1
        if app.rounds == 3:
            return


def test_a_token_reads_its_own_deployment_alone(
    site: Site, shop: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = client(site, monkeypatch)
    token = os.environ["DISCOVERY_TOKEN"]
    for other in ("", "other" + token.removeprefix("shop"), token + "0", token[:-1], "é"):
        monkeypatch.setenv("DISCOVERY_TOKEN", other.encode("ascii", "ignore").decode())
        with pytest.raises(OSError, match="403"):
            app.instances("web")
    env = {row["name"]: row["value"] for row in site.json("env", "shop:web")}
    assert env["DISCOVERY_URL"] == os.environ["DISCOVERY_URL"] and token not in env.values()


def test_an_etcd_that_is_away_stops_nothing(
    site: Site, shop: Repository, etcd: EtcdServer, elsewhere: EtcdRegistry
) -> None:
    etcd.kill()
    shop.commit(web("two"))
    push = shop.push("shop")
    assert push.status == 0, push
    assert answer(site)["text"] == "two"
    eventually(lambda: site.calzion("status").returncode != 0, "the trouble to be told")
    assert "etcd does not answer" in site.calzion("status").stdout
    eventually(lambda: rows(site) == discovered(site), "the new instance to be found here")
    etcd.start()
    eventually(lambda: rows(site) == found(elsewhere), "etcd to be told")
    eventually(lambda: site.calzion("status").returncode == 0, "the trouble to be over")


def test_it_stays_registered_while_calzion_is_replaced(
    site: Site, shop: Repository, elsewhere: EtcdRegistry, flags: tuple[str, ...]
) -> None:
    """For longer than a lease lasts that nobody renews."""
    assert site.server
    watch = elsewhere.watch(elsewhere.snapshot(Selection()))
    site.server.send_signal(signal.SIGTERM)
    assert site.server.wait(60) == 0
    assert site.server.stdout
    site.server.stdout.close()
    assert watch.take(TTL + 2) == []
    site.start(*flags)
    assert watch.take(1) == []
    watch.close()
