"""What the tests of builds share: a builder in a directory of its own, and sources written as a mapping."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import pytest

from calzion.backends.docker.engine import Engine
from calzion.build.builder import SlugBuilder, slug_builder
from calzion.build.contained import ContainerWorkshop
from calzion.build.directory import DirectoryTree
from calzion.build.limits import BuildLimits
from calzion.build.sandboxed import SandboxWorkshop
from calzion.build.workshop import Workshop
from calzion.images.recipe import recipe
from calzion.layout import Layout
from calzion.model import BuildOrder, DeploymentName, ServiceName, Slug
from calzion.resources import resource
from tests.containers import need_images, remove_traces

CACHE = "app/web"


class Output:
    """A Sink that keeps what it is told, and of what; `until` waits for a line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.sources: set[str] = set()
        self._changed = threading.Condition()

    def step(self, text: str) -> None:
        self.log(text)

    def warning(self, text: str) -> None:
        self.log(text)

    def log(self, text: str, source: str = "") -> None:
        with self._changed:
            self.lines.append(text)
            self.sources.add(source)
            self._changed.notify_all()

    def until(self, line: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: line in self.lines, 60), self.lines


class Cancel:
    def __init__(self) -> None:
        self._calls: list[Callable[[], None]] = []
        self._cancelled = False

    def cancelled(self) -> bool:
        return self._cancelled

    def on_cancel(self, call: Callable[[], None]) -> Callable[[], None]:
        self._calls.append(call)
        return lambda: self._calls.remove(call)

    def cancel(self) -> None:
        self._cancelled = True
        for call in list(self._calls):
            call()


class Site:
    """`container` has builds run in containers, else they run in sandboxes."""

    def __init__(self, directory: Path, *, container: bool = False) -> None:
        if container:
            need_images()
        self.container = container
        self.directory = directory
        self.layout = Layout(directory / "data")
        self.layout.data.mkdir(mode=0o700, exist_ok=True)
        self._sources = 0
        self._kept = ExitStack()
        self._builders: list[SlugBuilder] = []

    def close(self) -> None:
        self.rest()
        if self.container:
            remove_traces(self.engine)
        self._kept.close()

    @property
    def engine(self) -> Engine:
        return Engine(self.layout, os.environ)

    @cached_property
    def host(self) -> str:
        """The address under which builds reach this machine."""
        workshop = self.builder().workshop
        if not isinstance(workshop, ContainerWorkshop):
            return "127.0.0.1"
        name = self._kept.enter_context(workshop.network.joined())
        # Other builders of this site would take it away.
        api, tag = self.engine.api, recipe("slugrunner").tag
        made = api.create_container(
            tag,
            command=["exec", "sleep", "600"],
            labels=self.engine.labels(kind="test"),
            host_config=api.create_host_config(network_mode=name),
        )
        api.start(made["Id"])
        return str(api.inspect_network(name)["IPAM"]["Config"][0]["Gateway"])

    def workshop(self, limits: BuildLimits) -> Workshop:
        if self.container:
            return ContainerWorkshop.here(self.engine, self.layout, os.environ, limits)
        return SandboxWorkshop.here(self.layout, os.environ, limits)

    def builder(self, *, timeout: float = 120, memory: int = 1 << 30, parallel: int = 2) -> SlugBuilder:
        builder = slug_builder(
            self.layout,
            self.workshop(BuildLimits(memory=memory, timeout=timeout)),
            buildpacks=resource("buildpacks"),
            environ=os.environ,
            parallel=parallel,
            idle=0,
        )
        self._builders.append(builder)
        return builder

    def rest(self) -> None:
        """Let everything end that runs after builds."""
        for builder in self._builders:
            assert builder.afterwards.wait(CACHE, 60)

    def order(self, files: Mapping[str, str], cache: str = CACHE, **environment: str) -> BuildOrder:
        self._sources += 1
        root = self.directory / f"source-{self._sources}"
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
            (root / name).chmod(0o755 if "bin/" in name else 0o644)
        return BuildOrder(
            deployment=DeploymentName("app-test"),
            service=ServiceName("web"),
            repository="app",
            cache=cache,
            source=DirectoryTree(root, "c" * 40),
            environment=tuple(environment.items()),
        )

    def build(self, files: Mapping[str, str], **environment: str) -> tuple[Slug, list[str]]:
        output = Output()
        slug = self.builder().build(self.order(files, **environment), output, Cancel())
        self.rest()
        return slug, output.lines

    def inside(self, slug: Slug, command: str) -> str:
        """What a command prints that runs as an instance would."""
        if not self.container:
            return inside(slug, command)
        mount = f"--volume={slug.root}:/app:ro"
        words = ["docker", "run", "--rm", mount, recipe("slugrunner").tag, "shell", command]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout.strip()

    def leftovers(self) -> list[str]:
        """The names of what lies in the scratch directory of builds."""
        self.rest()
        return sorted(path.name for path in self.layout.builds.iterdir())


anywhere = pytest.mark.parametrize("site", ["sandbox", "container"], indirect=True)
"""For what builds in sandboxes and in containers do alike."""


def site_of(directory: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """What a fixture `site` yields that a test may have `anywhere`."""
    site = Site(directory, container=getattr(request, "param", "sandbox") == "container")
    yield site
    site.close()


def inside(slug: Slug, command: str) -> str:
    """What a command prints that runs as an instance would, with the slug at /app."""
    script = 'for file in .profile.d/*.sh; do . "./$file"; done; exec bash -c "$1"'
    done = subprocess.run(
        ["bwrap", "--dev-bind", "/", "/", "--tmpfs", "/app", "--bind", slug.root, "/app", "--chdir", "/app"]
        + ["bash", "-c", script, "bash", command],
        env={"PATH": os.environ["PATH"], "HOME": "/app"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def with_buildpack(compile: str, release: str = "") -> dict[str, str]:
    """A source that brings its own buildpack: `compile` is a bash script, `release` the output of bin/release."""
    return {
        ".buildpacks": "./pack\n",
        "pack/bin/detect": "#!/bin/sh\necho Own\n",
        "pack/bin/compile": f"#!/bin/bash\n{compile}\n",
        "pack/bin/release": f"#!/bin/sh\ncat <<'END'\n{release}\nEND\n",
    }
