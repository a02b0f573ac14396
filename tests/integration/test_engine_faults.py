"""What becomes of containers when their engine dies, starts anew, or has no space left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from calzion.errors import CalzionError
from calzion.images.recipe import recipe
from calzion.model import DeploymentName, Instance, InstanceState, RunSpec, ServiceName, Stop
from tests.containers import need_images
from tests.fakes.engine import DockerSite
from tests.fakes.host import UID, eventually
from tests.fakes.own_engine import OwnEngine
from tests.needed import needed

LIVE = "--live-restore"
NETWORK = "10.252.0.0/14"
"""No other engine of this machine has it."""


@pytest.fixture(scope="module")
def engine() -> Iterator[OwnEngine]:
    needed("" if os.geteuid() == 0 else "only root can start an engine")
    need_images()
    engine = OwnEngine()
    try:
        engine.start(LIVE)
        engine.load(recipe("redis").tag)
        yield engine
    finally:
        engine.close()


@pytest.fixture(scope="module")
def site(engine: OwnEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerSite]:
    """With one image for all: they start alike."""
    data = tmp_path_factory.mktemp("engine") / "data"
    site = DockerSite(data, engine.environ, lambda _name: recipe("redis").tag, NETWORK)
    yield site
    site.close()


def order(site: DockerSite, id_: str) -> RunSpec:
    return RunSpec(
        id=id_,
        deployment=DeploymentName("demo"),
        service=ServiceName("web"),
        process_type="web",
        release=1,
        command="exec sleep 1000",
        slug=site.slug,
        uid=UID,
        stop=Stop(timeout=1),
    )


def running(site: DockerSite, spec: RunSpec) -> Instance:
    """Once it runs: whoever wants it looks whether it wants help, as not every engine starts all again by itself."""

    def look() -> Instance | None:
        found = {one.id: one for one in site.backend.instances()}.get(spec.id)
        if found and found.needs_spec:
            site.backend.ensure([spec])
        return found if found and found.state is InstanceState.RUNNING else None

    found = eventually(look)
    assert found
    return found


def test_an_engine_that_lets_containers_live(engine: OwnEngine, site: DockerSite) -> None:
    spec = order(site, "demo.web.1")
    site.backend.ensure([spec])
    before = running(site, spec)
    engine.kill()
    with pytest.raises(CalzionError, match="no container engine answers"):
        site.backend.instances()
    engine.start(LIVE)
    assert running(site, spec).pid == before.pid
    site.backend.stop([spec.id])
    site.backend.forget([spec.id])
    assert site.backend.instances() == ()
    site.backend.ensure([spec])
    assert running(site, spec).pid != before.pid
    write = replace(spec, command="test -e serve.py && touch mine")
    assert site.backend.check(spec.id, write).status == 0


def test_an_engine_that_does_not(engine: OwnEngine, site: DockerSite) -> None:
    spec = order(site, "demo.web.2")
    engine.stop()
    engine.start()
    site.backend.ensure([spec])
    for end in (engine.kill, engine.stop):
        before = running(site, spec)
        end()
        engine.start()
        after = running(site, spec)
        assert after.pid != before.pid and after.address == before.address


def test_an_engine_whose_disk_is_full(engine: OwnEngine, site: DockerSite) -> None:
    spec = order(site, "demo.web.3")
    engine.fill()
    with pytest.raises(CalzionError, match="demo:web can't be started: the engine's disk is full") as caught:
        site.backend.ensure([spec])
    assert "docker system df" in caught.value.hint
    engine.free()
    site.backend.ensure([spec])
    assert running(site, spec)
