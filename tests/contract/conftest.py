"""The backends, builders and routers that the contracts hold for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from calzion.backends.protocol import Backend
from calzion.model import Command, DeploymentName, Exit, RunSpec, ServiceName, Stop
from tests.contract import builder_stage, registry_stage, router_stage
from tests.contract.builder_stage import BuilderStage
from tests.contract.registry_stage import RegistryStage
from tests.contract.router_stage import RouterStage
from tests.fakes.backend import FakeBackend, Program
from tests.fakes.engine import DockerSite
from tests.fakes.host import Host, free_port
from tests.integration.etcd_server import EtcdServer
from tests.integration.router_rig import Rig

SERVE = "exec python3 serve.py"
IDLE = "exec sleep 1000"
TALK = "echo one; echo two; echo three; exec sleep 1000"
FAIL = "echo failing; exit 3"
STUBBORN = "trap '' TERM; echo ready; while :; do sleep 1; done"
ALOOF = """exec python3 -c '
import os, signal, socket
listener = socket.create_server(("0.0.0.0", int(os.environ["PORT"])))
signal.pause()'"""
BUSY = "while :; do :; done"
DIES = "kill -SEGV $$"
FINE = "true"
KEEP, KEPT = "echo kept > /data/file", "grep -q kept /data/file"
COPY = ("cat",)

PROGRAMS: dict[Command, Program] = {
    SERVE: Program(lines=("listening",)),
    IDLE: Program(listens=False),
    TALK: Program(lines=("one", "two", "three"), listens=False),
    FAIL: Program(lines=("failing",), exit=Exit(status=3)),
    STUBBORN: Program(lines=("ready",), listens=False, stubborn=True),
    ALOOF: Program(aloof=True),
    BUSY: Program(listens=False, busy=True),
    DIES: Program(exit=Exit(signal="SIGSEGV")),
    FINE: Program(exit=Exit(status=0)),
    KEEP: Program(exit=Exit(status=0)),
    KEPT: Program(exit=Exit(status=0)),
    COPY: Program(copies=True, listens=False),
}


_SITES = {"process": "host", "docker": "engine"}


@dataclass
class Stage:
    """A backend, and orders for it. What a test ordered is forgotten after it."""

    backend: Backend
    template: RunSpec
    number: int = 0

    def spec(self, command: Command, **given: Any) -> RunSpec:
        self.number += 1
        port = free_port()
        env = {"PORT": str(port), **given.pop("env", {})}
        return replace(
            self.template,
            id=f"{self.template.id}.{self.number}",
            command=command,
            ports={"": port},
            env=env,
            **given,
        )


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(tmp_path_factory.mktemp("host"))
    yield host
    host.close()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerSite]:
    site = DockerSite(tmp_path_factory.mktemp("engine"))
    yield site
    site.close()


@pytest.fixture(params=["fake", "process", "docker"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    template = RunSpec(
        # The host removes what is left of an instance while others start: no two may share an id.
        id=f"{request.node.name.partition('[')[0][:30]}.{uuid.uuid4().hex[:8]}",
        deployment=DeploymentName("demo"),
        service=ServiceName("web"),
        process_type="web",
        release=7,
        uid=200_100,
        stop=Stop(timeout=10),
    )
    if request.param == "fake":
        yield Stage(FakeBackend(PROGRAMS), template)
        return
    site: Host | DockerSite = request.getfixturevalue(_SITES[request.param])
    yield Stage(site.backend, replace(template, slug=site.slug))
    site.backend.forget([one.id for one in site.backend.instances()])
    site.backend.remove_deployment(template.deployment)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("router"))
    yield rig
    rig.close()


@pytest.fixture(params=["memory", "haproxy"])
def router(request: pytest.FixtureRequest) -> Iterator[RouterStage]:
    if request.param == "memory":
        stage: RouterStage = router_stage.MemoryStage()
    else:
        stage = router_stage.RealStage(request.getfixturevalue("rig"))
    yield stage
    stage.close()


@pytest.fixture(params=["memory", "sandbox", "container"])
def builder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BuilderStage]:
    if request.param == "memory":
        stage: BuilderStage = builder_stage.MemoryStage(tmp_path)
    else:
        stage = builder_stage.RealStage(tmp_path, container=request.param == "container")
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    server = EtcdServer(tmp_path_factory.mktemp("etcd"))
    yield server
    server.close()


@pytest.fixture(params=["memory", "etcd"])
def registry_place(request: pytest.FixtureRequest) -> RegistryStage:
    if request.param == "memory":
        return registry_stage.MemoryStage()
    return registry_stage.EtcdStage(request.getfixturevalue("etcd"))
