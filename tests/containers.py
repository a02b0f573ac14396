"""A Docker Engine with Calzion's images, for the tests that need one."""

from __future__ import annotations

import fcntl
import os
import tempfile
from functools import cache
from pathlib import Path

import pytest

from calzion.backends.docker.engine import Engine
from calzion.cli.main import run
from calzion.errors import CalzionError
from calzion.layout import Layout


@cache
def need_engine() -> None:
    """Skip the test where no engine answers; where CI=true that fails instead."""
    try:
        Engine(Layout(Path("/nonexistent")), os.environ).api.ping()
    except CalzionError as error:
        stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        stop(f"{error}; see script/engine")


@cache
def need_images() -> None:
    """Have Calzion's images, or skip the test where no engine answers; where CI=true that fails instead."""
    need_engine()
    lock = Path(tempfile.gettempdir()) / f"calzion-images-{os.getuid()}.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert run(["images", "build"], dict(os.environ)) == 0


def remove_traces(engine: Engine) -> None:
    """Remove all that an installation made, as its end would."""
    for container in engine.api.containers(all=True, filters=engine.filters()):
        engine.api.remove_container(container["Id"], force=True, v=True)
    for network in engine.api.networks(filters=engine.filters()):
        engine.api.remove_network(network["Id"])
