"""Images from Dockerfiles, by the real docker command."""

import base64
import hashlib
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from calzion.build.builds import Builds
from calzion.build.directory import DirectoryTree
from calzion.build.dockercli import find_docker
from calzion.build.dockerfiles import Dockerfiles
from calzion.build.pulled import PulledImages
from calzion.errors import CalzionError
from calzion.images.recipe import recipe
from calzion.model import Login
from tests.integration.build_site import Cancel, Output, Site
from tests.registry import Registry, tiny

FROM = f"FROM {recipe('stack').tag}\n"

PASSWORD = "correct horse"
LOGIN = Login(user="ci", password=PASSWORD)
ENCODED = base64.b64encode(f"ci:{PASSWORD}".encode()).decode()


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path, container=True)
    yield site
    for image in site.engine.api.images(filters=site.engine.filters(kind="image")):
        site.engine.api.remove_image(image["Id"], force=True)
    site.close()


def builds(site, environ=os.environ, logins=lambda: {}, **settings):
    slugs = site.builder(**settings)
    return Builds(
        slugs=slugs,
        dockerfiles=Dockerfiles.beside(slugs, site.engine, environ, logins),
        pulled=PulledImages(site.engine, slugs.store, lambda _host: None),
        keep_copies=lambda _wanted: None,
    )


def order(site, dockerfile, files=None, secrets=(), **environment):
    made = site.order({"Dockerfile": FROM + dockerfile} | (files or {}), **environment)
    return replace(made, dockerfile=True, secrets=tuple(secrets))


def inside(site, slug, command):
    api = site.engine.api
    made = api.create_container(slug.image, entrypoint=["/bin/sh", "-c"], command=[command])
    try:
        api.start(made["Id"])
        api.wait(made["Id"])
        return api.logs(made["Id"]).decode()
    finally:
        api.remove_container(made["Id"], force=True)


def refused(builder, given):
    output = Output()
    with pytest.raises(CalzionError) as caught:
        builder.build(given, output, Cancel())
    return caught.value, output.lines


def test_an_image_is_built_once_and_kept_beside_slugs(site):
    text = "ARG GREETING\nARG OTHER=none\nCOPY . /srv\nRUN echo $GREETING > /srv/said\nEXPOSE 80 53/udp\n"
    given = order(site, text, {"file": "content"}, GREETING="hello", UNDECLARED="x")
    builder, output = builds(site), Output()
    slug = builder.build(given, output, Cancel())
    assert (slug.root, slug.language, slug.process_types, slug.ports) == (
        None,
        "Dockerfile",
        (("web", ""),),
        (80,),
    )
    assert slug.image.startswith("sha256:")
    assert slug.size > 1 << 20
    assert inside(site, slug, "cat /srv/file /srv/said; id -u") == "contenthello\n0\n"
    assert any("COPY . /srv" in line for line in output.lines)

    again = Output()
    assert builder.build(given, again, Cancel()) == slug == builder.find(builder.key(given))
    assert again.lines == []
    assert builder.key(order(site, text, {"file": "content"}, GREETING="bye")) != slug.key


def test_an_image_that_the_engine_lost_is_built_anew(site):
    builder, given = builds(site), order(site, "RUN true\n")
    slug = builder.build(given, Output(), Cancel())
    site.engine.api.remove_image(slug.image, force=True)
    assert builder.find(slug.key) is None
    assert builder.find(builder.build(given, Output(), Cancel()).key)


def test_what_no_release_needs_is_removed(site):
    builder = builds(site)
    first, second = (builder.build(order(site, f"RUN echo {n}\n"), Output(), Cancel()) for n in "12")
    builder.prune([second.key], [])()
    assert builder.find(first.key) is None
    assert builder.find(second.key) == second
    (image,) = site.engine.api.images(filters=site.engine.filters(kind="image"))
    assert image["Id"] == second.image


def test_secrets_are_mounted_and_kept_nowhere(site):
    digest = hashlib.sha256(b"s3cret value").hexdigest()
    text = f"RUN --mount=type=secret,id=TOKEN sha256sum /run/secrets/TOKEN | grep -q {digest} && echo fits\n"
    given = order(site, text, secrets=[("TOKEN", "s3cret value")])
    output = Output()
    slug = builds(site).build(given, output, Cancel())
    assert any("fits" in line for line in output.lines)
    assert "s3cret" not in str(site.engine.api.history(slug.image))
    assert (
        inside(site, slug, "ls /run/secrets/TOKEN 2>/dev/null | wc -c; cat /run/secrets/TOKEN 2>/dev/null")
        == "0\n"
    )
    assert site.leftovers() == []


def without_buildkit(tmp_path):
    """An environment with a docker command whose plugin is missing."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    real = find_docker(os.environ).program
    program.write_text(f'#!/bin/sh\n[ "$DOCKER_BUILDKIT" = 0 ] || exit 1\nexec {real} "$@"\n')
    program.chmod(0o755)
    environ = {**os.environ, "PATH": str(program.parent)}
    assert not find_docker(environ).buildkit
    return environ


def test_a_command_without_buildkit_builds_all_but_secrets(site, tmp_path):
    environ = without_buildkit(tmp_path)
    builder = builds(site, environ)
    assert builder.build(order(site, "RUN echo plain\n"), Output(), Cancel()).image
    error, _ = refused(builder, order(site, "RUN true\n", secrets=[("TOKEN", "x")]))
    assert error.code == "unsupported"
    assert "need BuildKit" in error.message


@pytest.fixture
def registry(tmp_path):
    registry = Registry(tmp_path / "registry", {"ci": PASSWORD})
    registry.start()
    yield registry
    registry.stop()


@pytest.mark.parametrize("buildkit", [True, False])
def test_it_begins_from_what_a_private_registry_has(site, tmp_path, registry, buildkit):
    environ = os.environ if buildkit else without_buildkit(tmp_path)
    mark = f"private {tmp_path}"  # no layer of another test's is taken
    registry.push(site.engine.api, "mycompany/base:1", tiny({"mark": mark}))
    base = registry.name("mycompany/base:1")
    given = order(site, "")
    (Path(given.source.root) / "Dockerfile").write_text(f"FROM {base}\nRUN cat /mark && env\n")
    given = replace(given, source=DirectoryTree(given.source.root, "c" * 40))
    error, _ = refused(builds(site, environ), given)
    assert f"the registry {registry.host} wants other credentials" in error.message
    assert f"calzion registries add {registry.host} --user NAME" in error.hint
    builder, output = builds(site, environ, lambda: {registry.host: LOGIN}), Output()
    slug = builder.build(given, output, Cancel())
    assert any(mark in line for line in output.lines)
    told = f"{output.lines} {site.engine.api.history(slug.image)} {site.engine.api.inspect_image(slug.image)}"
    assert PASSWORD not in told and ENCODED not in told
    assert site.leftovers() == []
    if not buildkit:
        site.engine.api.remove_image(base)


def test_failures_are_told_as_those_of_other_builds(site):
    error, _ = refused(builds(site), order(site, "RUN echo last words; exit 7\n"))
    assert error.code == "build"
    assert "web: build failed" in error.message
    assert any("last words" in line for line in error.detail)
    error, _ = refused(builds(site, timeout=2), order(site, "RUN sleep 60\n"))
    assert "took longer than 2 seconds" in error.message
    missing = replace(site.order({"Procfile": "web: x"}), dockerfile=True)
    with pytest.raises(CalzionError, match="there is no Dockerfile"):
        builds(site).key(missing)


def test_cancelling_ends_a_build(site):
    output, cancel, errors = Output(), Cancel(), []

    given = order(site, "RUN echo begun; exec sleep 600 601\n")

    def build():
        try:
            builds(site).build(given, output, cancel)
        except CalzionError as error:
            errors.append(error)

    thread = threading.Thread(target=build)
    thread.start()
    until(lambda: any(line.endswith("begun") for line in output.lines))
    cancel.cancel()
    thread.join(30)
    assert [error.code for error in errors] == ["cancelled"]
    until(lambda: not _sleeps("600\0" + "601"))


def test_links_lead_nowhere(site, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("ENV STOLEN=1\n")
    given = order(site, "COPY . /srv\n", {"x": ""})
    (Path(given.source.root) / "link").symlink_to(secret)
    (Path(given.source.root) / ".dockerignore").symlink_to(secret)
    slug = builds(site).build(given, Output(), Cancel())
    assert inside(site, slug, "cat /srv/link 2>&1; ls -A /srv").split("\n")[1:-1] == [
        "Dockerfile",
        "link",
        "x",
    ]


def until(holds):
    for _ in range(600):
        if holds():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it did not come to that")


def _sleeps(arguments):
    return any(f"sleep\0{arguments}".encode() in content for content in _command_lines())


def _command_lines():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes()
        except OSError:
            continue
