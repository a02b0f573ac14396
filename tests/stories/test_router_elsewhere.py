"""A router on another machine (a network namespace) serves what Calzion does here, whatever else is down."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.integration.etcd_server import EtcdServer
from tests.stories.apps import web
from tests.stories.site import PROGRAM, Repository, Site, eventually

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a network")

PORT = 8080


@dataclass(frozen=True)
class Cable:
    """`here` and `there` are the addresses of its ends; `name` is the network namespace at the other end."""

    name: str
    here: str
    there: str

    @classmethod
    def lay(cls) -> Cable:
        first = IPv4Address("10.97.0.0") + 4 * (os.getpid() % 2**14)
        here, there = first + 1, first + 2
        name = f"cz{os.getpid()}"
        ip("netns", "add", name)
        ip("link", "add", f"{name}-here", "type", "veth", "peer", "name", "there", "netns", name)
        ip("address", "add", f"{here}/30", "dev", f"{name}-here")
        ip("link", "set", "dev", f"{name}-here", "up")
        ip("-netns", name, "address", "add", f"{there}/30", "dev", "there")
        ip("-netns", name, "link", "set", "dev", "there", "up")
        ip("-netns", name, "link", "set", "dev", "lo", "up")
        return cls(name, str(here), str(there))

    def take_in(self) -> None:
        ip("netns", "delete", self.name)


class Elsewhere:
    """The other machine's router."""

    def __init__(self, cable: Cable, data: Path, registry: str) -> None:
        self._cable = cable
        settings = ["--data", str(data), "--registry", registry, "--http", f"0.0.0.0:{PORT}"]
        self._command = ["ip", "netns", "exec", cable.name, *PROGRAM, "serve", "router", *settings]
        self.start()

    def start(self) -> None:
        self._daemon = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._daemon.stdout and "ready" in self._daemon.stdout.readline()

    def stop(self) -> None:
        self._daemon.send_signal(signal.SIGTERM)
        self._daemon.wait(30)
        assert self._daemon.stdout
        self._daemon.stdout.close()

    def get(self, deployment: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self._cable.there, PORT, timeout=10)
        try:
            connection.request("GET", "/", headers={"Host": f"{deployment}.localhost"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def text(self, deployment: str) -> str:
        status, body = self.get(deployment)
        return str(json.loads(body)["text"]) if status == 200 else str(status)


@pytest.fixture(scope="module")
def cable() -> Iterator[Cable]:
    cable = Cable.lay()
    yield cable
    cable.take_in()


@pytest.fixture(scope="module")
def etcd(cable: Cable, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    server = EtcdServer(tmp_path_factory.mktemp("etcd"), also=cable.here)
    yield server
    server.close()


@pytest.fixture(scope="module")
def registry(cable: Cable, etcd: EtcdServer) -> str:
    return f"etcd://{cable.here}:{etcd.port}"


@pytest.fixture(scope="module")
def site(cable: Cable, registry: str) -> Iterator[Site]:
    site = Site()
    try:
        listen = ["--http", f"0.0.0.0:{site.http}", "--advertise", f"{cable.here}:{site.http}"]
        site.start("--registry", registry, *listen, "--trusted-routers", cable.there)
        assert (
            site.calzion("keys", "add", "alice", str(site.root / "alice.pub"), "--allow", "*").returncode == 0
        )
        yield site
    finally:
        site.close()


@pytest.fixture(scope="module")
def shop(site: Site) -> Repository:
    repository = site.repository("shop", web())
    assert repository.push("shop").status == 0
    return repository


@pytest.fixture(scope="module")
def elsewhere(
    cable: Cable, registry: str, shop: Repository, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Elsewhere]:
    router = Elsewhere(cable, tmp_path_factory.mktemp("elsewhere"), registry)
    yield router
    router.stop()


def test_the_same_hosts_are_served_and_the_client_is_known(
    cable: Cable, site: Site, shop: Repository, elsewhere: Elsewhere
) -> None:
    eventually(lambda: elsewhere.text("shop") == "one", "the host to be served")
    assert json.loads(elsewhere.get("shop")[1])["client"] == cable.here
    assert elsewhere.get("nobody")[0] == 404
    assert shop.push("shop-2").status == 0
    eventually(lambda: elsewhere.text("shop-2") == "one", "the new host to be served")
    shop.commit(web("two"))
    assert shop.push("shop").status == 0
    assert elsewhere.text("shop") == "two"
    assert site.calzion("destroy", "shop-2", "--yes").returncode == 0
    assert elsewhere.get("shop-2")[0] == 404


def test_an_etcd_that_ends_and_comes_back_empty_takes_nothing(
    etcd: EtcdServer, shop: Repository, elsewhere: Elsewhere
) -> None:
    eventually(lambda: elsewhere.text("shop") != "404")
    answers, done = list[int](), threading.Event()

    def ask() -> None:
        while not done.is_set():
            answers.append(elsewhere.get("shop")[0])

    asking = threading.Thread(target=ask)
    asking.start()
    etcd.kill()
    shutil.rmtree(etcd.directory / "etcd")
    etcd.start()
    eventually(
        lambda: "shop.localhost" in etcd.control("get", "--prefix", "/calzion/routes/"), "routes to be back"
    )
    done.set()
    asking.join(20)
    assert set(answers) == {200} and len(answers) > 10


def test_it_serves_on_while_calzion_and_etcd_are_down_also_when_it_begins_anew(
    site: Site, etcd: EtcdServer, shop: Repository, elsewhere: Elsewhere
) -> None:
    text = elsewhere.text("shop")
    assert site.server
    site.server.send_signal(signal.SIGTERM)
    assert site.server.wait(60) == 0
    etcd.kill()
    assert elsewhere.text("shop") == text
    elsewhere.stop()
    elsewhere.start()
    assert elsewhere.text("shop") == text
    etcd.start()


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=20)
