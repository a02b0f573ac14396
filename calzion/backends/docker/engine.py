"""A Docker Engine as one installation of Calzion uses it."""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import docker.errors
import requests
import urllib3.exceptions
from docker.api.client import APIClient
from docker.utils import kwargs_from_env

from calzion.backends.docker.labels import Labels, filters
from calzion.errors import CalzionError
from calzion.layout import Layout

TIMEOUT = 120.0
"""Seconds that an answer of the engine may take."""

DISK_FULL = "the engine's disk is full"
FREE_SPACE = "free some space; 'docker system df' says what takes it"

_POOL = 64  # connections that streams and calls may hold at one time
_CONTAINER = re.compile(r"/containers/([0-9a-f]{64})/(?:hostname|hosts|resolv\.conf) ")


class Engine:
    """`environ` names the engine by DOCKER_HOST and its companions, else it is the one of this machine.

    Every call raises CalzionError (unsupported) while no engine answers, and lets docker.errors.APIError through.
    """

    def __init__(self, layout: Layout, environ: Mapping[str, str]) -> None:
        self._layout = layout
        self._environ = environ
        self._lock = threading.Lock()
        self._client: APIClient | None = None

    @property
    def api(self) -> APIClient:
        """The client, of the newest API version that both sides speak."""
        with self._lock:
            if self._client is None:
                with reachable():
                    given = kwargs_from_env(environment=dict(self._environ))
                    self._client = APIClient(
                        **given, version="auto", timeout=int(TIMEOUT), num_pools=_POOL, max_pool_size=_POOL
                    )
            return self._client

    @cached_property
    def installation(self) -> str:
        """Tells what this installation made from what others did. Chosen once for a data directory."""
        path = self._layout.installation
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
        fresh.write_text(secrets.token_hex(4))
        try:
            path.hardlink_to(fresh)  # of two that choose at the same moment one wins
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return path.read_text().strip()

    def labels(self, **more: str) -> Labels:
        """`labels(deployment="shop")` are those that a thing of this installation carries."""
        return {"calzion.installation": self.installation, **{f"calzion.{key}": more[key] for key in more}}

    def filters(self, **more: str) -> dict[str, list[str]]:
        """The filter that finds things with these labels of this installation."""
        return filters(installation=self.installation, **more)

    @cached_property
    def directories(self) -> Mapping[Path, Path]:
        """Where Calzion runs in a container: its mounted directories, and where they lie on the engine's machine."""
        own = own_container(_read(Path("/proc/self/mountinfo")))
        if own is None:
            return {}
        try:
            mounts = self.api.inspect_container(own)["Mounts"]
        except docker.errors.NotFound:  # a container of some other engine
            return {}
        return {Path(mount["Destination"]): Path(mount["Source"]) for mount in mounts if mount["Source"]}

    def place(self, path: Path) -> str:
        """Where a path of ours lies on the engine's machine. Raises CalzionError (unsupported) where it doesn't."""
        return str(place(path, self.directories))

    def create_container(self, config: Mapping[str, Any], name: str) -> str:
        """Create a container from the body of the Engine API's request, and return its id."""
        created: Mapping[str, str] = self.api.create_container_from_config(config, name)  # type: ignore[no-untyped-call]  # docker-py's stubs say nothing of it
        return created["Id"]

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None


@contextmanager
def reachable() -> Iterator[None]:
    """Raises CalzionError (unsupported) where no engine answers."""
    try:
        yield
    except docker.errors.APIError:  # one of requests' exceptions too
        raise
    except (
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
        docker.errors.DockerException,
    ) as error:
        raise unreachable(error) from error


def unreachable(error: Exception) -> CalzionError:
    return CalzionError(
        "no container engine answers",
        detail=[str(error)],
        hint="start it ('systemctl start docker'), and see that Calzion may use its socket; 'calzion doctor' looks",
        code="unsupported",
    )


def explain(error: docker.errors.APIError) -> str:
    """What the engine had to say, on one line."""
    said: Any = error.explanation or error
    return " ".join(str(said).split())[:500]


def problem(error: docker.errors.APIError) -> tuple[str, str]:
    """The same as a user can act on it: a part of a sentence, and the next step, '' where none is known."""
    said = explain(error)
    return (DISK_FULL, FREE_SPACE) if tells_full(said) else (said, "")


def tells_full(said: str) -> bool:
    """Whether an engine says that its disk is full."""
    return "no space left on device" in said.lower()


def own_container(mountinfo: str) -> str | None:
    """The id of the container in which a process with these mounts runs (proc_pid_mountinfo(5)); None on a machine."""
    found = _CONTAINER.search(mountinfo)
    return found.group(1) if found else None


def place(path: Path, directories: Mapping[Path, Path]) -> Path:
    """`path` as the engine's machine knows it, where `directories` are mounted here from there."""
    if not directories:
        return path
    for above in (path, *path.parents):
        if above in directories:
            return directories[above] / path.relative_to(above)
    raise CalzionError(
        f"{path} lies inside Calzion's own container, where the engine can't reach it",
        hint="keep the data directory on a volume: 'volumes: [data:/var/lib/calzion]'",
        code="unsupported",
    )


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
