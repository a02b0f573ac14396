"""What this machine has of what Calzion uses: each program with its place and version, or how to get it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from calzion.backends.choice import DOCKER, best_backend, chosen_backend, engine_socket
from calzion.errors import CalzionError
from calzion.layout import Layout

if TYPE_CHECKING:
    from docker.api.client import APIClient

    from calzion.backends.docker.engine import Engine


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`needed` findings that are not `ok` keep the backend in force from working."""

    name: str
    ok: bool
    found: str
    advice: str = ""
    needed: bool = True


def diagnose(layout: Layout, environ: Mapping[str, str]) -> list[Finding]:
    """Look at this machine; nothing needs to run. Takes about a second."""
    backend = chosen_backend(layout) or best_backend(environ)
    findings = [
        Finding(name="python", ok=True, found=f"{sys.version.split()[0]} ({sys.executable})"),
        Finding(name="backend", ok=True, found=backend),
        _program("git", "apt-get install git"),
        _haproxy(),
    ]
    return findings + (_containers(layout, environ) if backend == DOCKER else _processes(layout))


def _processes(layout: Layout) -> list[Finding]:
    return [
        _program("bwrap", "apt-get install bubblewrap"),
        _program("setpriv", "apt-get install util-linux", probe="--version"),
        _appliance("postgres"),
        _appliance("redis"),
        _node(),
        *_limits(layout),
    ]


def _containers(layout: Layout, environ: Mapping[str, str]) -> list[Finding]:
    from calzion.wiring.platform import docker_engine

    engine = docker_engine(layout, environ)
    try:
        about: dict[str, Any] = engine.api.info()
    except CalzionError as error:
        return [Finding(name="engine", ok=False, found=error.message, advice=error.hint)]
    found = Finding(name="engine", ok=True, found=f"{about['ServerVersion']} ({about['OperatingSystem']})")
    return [found, *_images(engine.api), *_reach(layout, environ, engine), *_gaps(about)]


def _images(client: APIClient) -> list[Finding]:
    from calzion.images.present import look_for
    from calzion.images.recipe import recipes

    absent = [name for name, each in recipes().items() if look_for(client, each.tag) is None]
    if not absent:
        return [Finding(name="images", ok=True, found="all are there")]
    advice = "calzion images build"
    return [Finding(name="images", ok=False, found=f"missing: {', '.join(absent)}", advice=advice)]


def _reach(layout: Layout, environ: Mapping[str, str], engine: Engine) -> list[Finding]:
    """What does not work, or more slowly, with an engine that is not simply this machine's."""
    from calzion.backends.docker.sight import Sight
    from calzion.images.present import look_for
    from calzion.images.recipe import recipe

    sentences = []
    if engine_socket(environ) is None:
        sentences.append(
            "DOCKER_HOST leads to an engine by the network: if that is another machine's, containers there are reached"
            " neither by the router nor by each other's names, so no push goes live."
        )
    runner = look_for(engine.api, recipe("slugrunner").tag)
    owns = layout.installation.exists() and os.access(layout.run, os.W_OK)
    try:
        if runner and owns and not Sight(engine, layout).sees(runner["Id"]):
            sentences.append(
                "The engine does not see Calzion's files: slugs and builds are copied there and back."
            )
    except OSError as error:
        sentences.append(f"The engine makes no containers: {error}")
    return [Finding(name="engine", ok=False, found=sentence, needed=False) for sentence in sentences]


def _gaps(about: Mapping[str, Any]) -> list[Finding]:
    from calzion.backends.docker.protection import missing

    sentences = missing(about, root=os.geteuid() == 0)
    return [Finding(name="protection", ok=False, found=sentence, needed=False) for sentence in sentences]


def _program(name: str, advice: str, probe: str = "--version") -> Finding:
    path = shutil.which(name)
    if path is None:
        return Finding(name=name, ok=False, found="missing", advice=advice)
    said = subprocess.run([path, probe], capture_output=True, text=True, check=False, timeout=10)
    version = (said.stdout or said.stderr).strip().splitlines()[:1]
    return Finding(name=name, ok=True, found=f"{' '.join(version)} ({path})")


def _haproxy() -> Finding:
    from calzion.routing.program import find_haproxy

    try:
        program = find_haproxy()
    except CalzionError as error:
        return Finding(name="haproxy", ok=False, found=error.message, advice=error.hint)
    return Finding(name="haproxy", ok=True, found=f"{program.version} ({program.path})")


def _appliance(name: str) -> Finding:
    from calzion.host.appliance import find_appliance

    found = find_appliance(name)
    if found is None:
        advice = "install the extra: pip install 'calzion[embedded]'"
        return Finding(name=name, ok=False, found="missing", advice=advice, needed=False)
    return Finding(name=name, ok=True, found=found.version)


def _node() -> Finding:
    from calzion.host.runtimes import node_mounts

    path = shutil.which("node")
    if path is None and not node_mounts():
        advice = "apt-get install nodejs npm, or pip install 'calzion[embedded]'"
        return Finding(name="node", ok=False, found="missing", advice=advice, needed=False)
    return Finding(name="node", ok=True, found=path or "from the package index")


def _limits(layout: Layout) -> list[Finding]:
    from calzion.backends.process import ProcessBackend

    if not layout.data.is_dir():
        return []
    sentences = ProcessBackend(layout, root=os.geteuid() == 0).doctor()
    return [Finding(name="protection", ok=False, found=sentence, needed=False) for sentence in sentences]
