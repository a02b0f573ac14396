"""Images from a real registry into a real engine: pinned, with credentials, restored, and removed with their slugs."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from calzion.backends.docker.engine import Engine
from calzion.build.pulled import PulledImages
from calzion.build.store import SlugStore
from calzion.controller.locks import CancellationToken
from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.model import Login
from tests.containers import need_engine
from tests.integration.build_site import Output
from tests.registry import Registry, in_the_engine, tiny

PASSWORD = "correct horse"
RABBIT = ("EXPOSE 5672 4369 15672 53/udp", "VOLUME /var/lib/rabbitmq /data", 'CMD ["sleep", "1000"]')


class Site:
    def __init__(self, directory: Path) -> None:
        self.engine = Engine(Layout(directory / "data"), os.environ)
        self.store = SlugStore(directory / "slugs", directory / "scratch")
        self.logins: dict[str, Login] = {}
        self.images = PulledImages(self.engine, self.store, self.logins.get)
        self.output = Output()
        self.made: list[str] = []

    def pull(self, reference: str) -> str:
        slug = self.images.pull(reference, self.output, CancellationToken())
        self.made.append(slug.image)
        return slug.image

    def has(self, image: str) -> bool:
        return in_the_engine(self.engine.api, image)

    def close(self) -> None:
        for image in {*self.made}:
            if self.has(image):
                self.engine.api.remove_image(image, force=True)
        self.engine.close()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    need_engine()
    registry = Registry(tmp_path_factory.mktemp("registry"), {"ci": PASSWORD})
    registry.start()
    yield registry
    registry.stop()


@pytest.fixture
def site(tmp_path: Path, registry: Registry) -> Iterator[Site]:
    site = Site(tmp_path)
    site.logins[registry.host] = Login(user="ci", password=PASSWORD)
    yield site
    site.close()


def push(site: Site, registry: Registry, name: str, text: str, *changes: str) -> str:
    return registry.push(site.engine.api, name, tiny({"mark": text}), *changes)


def test_a_slug_of_what_the_registry_has(site: Site, registry: Registry) -> None:
    image = push(site, registry, "mycompany/rabbit:3", "one", *RABBIT)
    reference = registry.name("mycompany/rabbit:3")
    slug = site.images.pull(reference, site.output, CancellationToken())
    site.made.append(slug.image)
    assert slug.image == image == f"sha256:{slug.key}" and slug.root is None
    assert slug.digest.startswith(f"{registry.name('mycompany/rabbit')}@sha256:")
    assert slug.ports == (4369, 5672, 15672)
    assert slug.volumes == ("/data", "/var/lib/rabbitmq")
    assert site.store.find(slug.key) == slug
    assert site.output.lines[0] == f"Pulling {reference}" and site.output.lines[-1] == slug.digest
    tags = site.engine.api.inspect_image(image)["RepoTags"]
    assert tags == [f"calzion/pulled-{site.engine.installation}:{slug.key}"], (
        "no name of the engine's is taken"
    )


def test_a_tag_that_moves(site: Site, registry: Registry) -> None:
    first = push(site, registry, "mycompany/moving:1", "one")
    assert site.pull(registry.name("mycompany/moving:1")) == first
    second = push(site, registry, "mycompany/moving:1", "two")
    assert site.pull(registry.name("mycompany/moving:1")) == second != first
    assert site.has(first)


def test_what_somebody_removed_is_pulled_again_by_its_digest(site: Site, registry: Registry) -> None:
    image = push(site, registry, "mycompany/lost:1", "one")
    site.pull(registry.name("mycompany/lost:1"))
    push(site, registry, "mycompany/lost:1", "two")
    site.engine.api.remove_image(image, force=True)
    site.images.restore(image)
    assert site.has(image)


def test_what_no_registry_can_give_again_is_said(site: Site, registry: Registry) -> None:
    with pytest.raises(CalzionError) as caught:
        site.images.restore(f"sha256:{'0' * 64}")
    assert caught.value.code == "start" and "was removed from the engine" in caught.value.message
    image = push(site, registry, "mycompany/wiped:1", "one")
    site.pull(registry.name("mycompany/wiped:1"))
    site.engine.api.remove_image(image, force=True)
    site.logins.clear()
    with pytest.raises(CalzionError) as caught:
        site.images.restore(image)
    assert f"calzion registries add {registry.host}" in caught.value.hint


def test_an_image_goes_with_its_slug(site: Site, registry: Registry) -> None:
    kept = push(site, registry, "mycompany/kept:1", "one")
    site.pull(registry.name("mycompany/kept:1"))
    gone = push(site, registry, "mycompany/gone:1", "two")
    site.pull(registry.name("mycompany/gone:1"))
    used = push(site, registry, "mycompany/used:1", "three")
    site.pull(registry.name("mycompany/used:1"))
    api = site.engine.api
    container = api.create_container(used, command=["sleep", "1"])["Id"]
    try:
        for image in (gone, used):
            shutil.rmtree(site.store.directory / image.removeprefix("sha256:"))
        site.images.remove_unneeded()
        assert (site.has(kept), site.has(gone), site.has(used)) == (True, False, True)
    finally:
        api.remove_container(container)
    site.images.remove_unneeded()
    assert not site.has(used)


def test_an_image_that_was_there_before_stays(site: Site, registry: Registry) -> None:
    push(site, registry, "mycompany/before:1", "one")
    name, api = registry.name("mycompany/before"), site.engine.api
    api.pull(name, "1", auth_config={"username": "ci", "password": PASSWORD})
    image = site.pull(f"{name}:1")
    shutil.rmtree(site.store.directory)
    site.images.remove_unneeded()
    assert site.has(image)


def test_another_ones_name_for_an_image_keeps_it(site: Site, registry: Registry) -> None:
    push(site, registry, "mycompany/named:1", "one")
    image = site.pull(registry.name("mycompany/named:1"))
    site.engine.api.tag(image, "somebody/likes-it", "1")
    shutil.rmtree(site.store.directory)
    site.images.remove_unneeded()
    assert site.engine.api.inspect_image(image)["RepoTags"] == ["somebody/likes-it:1"]


def test_what_was_built_on_the_machine_serves_where_no_registry_has_it(
    site: Site, registry: Registry
) -> None:
    api, name = site.engine.api, registry.name("mycompany/local")
    api.import_image_from_data(tiny(), repository=name, tag="dev")
    image = site.pull(f"{name}:dev")
    assert image == api.inspect_image(f"{name}:dev")["Id"]
    assert any("what the engine has under that name is used" in line for line in site.output.lines)


@pytest.mark.parametrize(
    ("name", "why"),
    [("mycompany/none:1", "has no such image"), ("mycompany/rabbit:nope", "has no such image")],
)
def test_what_is_not_there(site: Site, registry: Registry, name: str, why: str) -> None:
    with pytest.raises(CalzionError) as caught:
        site.pull(registry.name(name))
    assert caught.value.message == f"{registry.name(name)} can't be pulled: {registry.host} {why}"


def test_credentials_that_are_missing_or_wrong(site: Site, registry: Registry) -> None:
    push(site, registry, "mycompany/private:1", "one")
    site.logins.clear()
    with pytest.raises(CalzionError) as caught:
        site.pull(registry.name("mycompany/private:1"))
    assert "wants credentials" in caught.value.message
    assert f"calzion registries add {registry.host} --user NAME" in caught.value.hint
    site.logins[registry.host] = Login(user="ci", password="wrong guess")
    with pytest.raises(CalzionError) as caught:
        site.pull(registry.name("mycompany/private:1"))
    assert "does not give it to the user" in caught.value.message
    assert "wrong guess" not in repr(caught.value.as_dict())


def test_a_registry_that_is_away(site: Site, tmp_path: Path) -> None:
    away = Registry(tmp_path / "away")
    with pytest.raises(CalzionError) as caught:
        site.pull(away.name("mycompany/app:1"))
    assert (
        caught.value.message
        == f"{away.name('mycompany/app:1')} can't be pulled: {away.host} can't be reached"
    )


def test_who_does_not_want_to_wait_any_more_waits_no_more(site: Site) -> None:
    """For a registry that takes connections and says nothing."""
    token = CancellationToken()
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor() as pool:
        reference = f"127.0.0.1:{silent.getsockname()[1]}/mycompany/app:1"
        pulling = pool.submit(site.images.pull, reference, site.output, token)
        asked, _ = silent.accept()
        token.cancel()
        with pytest.raises(CalzionError) as caught:
            pulling.result(30)
        asked.close()
    assert caught.value.code == "cancelled"
