"""What a server runs, processes or containers: as the engine has it, and not as Calzion tells it."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from docker.errors import APIError

from calzion.backends.docker.engine import Engine
from calzion.backends.docker.labels import DEPLOYMENT, INSTANCE, VOLUME
from calzion.backends.hostclient import HostClient
from calzion.layout import Layout

_INSTANCE = re.compile(rb"/instances/([0-9a-f]{16})/")


class Running(Protocol):
    def known(self) -> set[str]:
        """The ids of the instances that the engine knows."""

    def alive(self) -> set[str]:
        """The ids of those that have a process."""

    def volumes(self, deployment: str) -> set[str]:
        """The deployment's volumes, as SERVICE.NAME."""

    def strays(self, deployment: str, ids: set[str]) -> Iterator[str]:
        """What else there is that should not be, where that deployment is the only one and these are its instances."""

    def kill(self) -> None:
        """End all processes of instances and builds at once."""


class Processes:
    """Those that name the data directory in their command."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def known(self) -> set[str]:
        report = HostClient(Layout(self._data).host_socket, patience=1.0).call("instances")
        return {each["instance"]["id"] for each in report}

    def alive(self) -> set[str]:
        return {id_.decode() for _, line in self._lines() for id_ in _INSTANCE.findall(line)}

    def volumes(self, deployment: str) -> set[str]:
        return names(Layout(self._data).volumes / deployment)

    def strays(self, deployment: str, ids: set[str]) -> Iterator[str]:
        yield from ()

    def kill(self) -> None:
        while pids := [pid for pid, _ in self._lines()]:
            for pid in pids:
                kill(pid)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        for directory in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                line = (directory / "cmdline").read_bytes()
                if os.fsencode(self._data) in line:
                    yield int(directory.name), line


class Containers:
    """Those of an engine with this installation's labels. Calzion's own processes are none of them."""

    def __init__(self, data: Path) -> None:
        self._own = Processes(data)
        self._data = data

    def known(self) -> set[str]:
        return {_id(each) for each in self._listed(all=True)}

    def alive(self) -> set[str]:
        return {_id(each) for each in self._listed()}

    def volumes(self, deployment: str) -> set[str]:
        return set(filter(None, (each.get(VOLUME) for each in self._volumes(deployment=deployment))))

    def strays(self, deployment: str, ids: set[str]) -> Iterator[str]:
        networks = self._engine.api.networks(filters=self._engine.filters())
        if (found := [each["Labels"].get(DEPLOYMENT) for each in networks]) != [deployment]:
            yield f"there are networks of {found}"
        if (layers := {each[INSTANCE] for each in self._volumes() if INSTANCE in each}) != ids:
            yield f"there are layers of {layers}, ps has {ids}"

    def kill(self) -> None:
        """Those that are to be kept up start again at once, as after a start of the engine. It would let what died by
        itself wait longer each time, which a power cut does not bring about.
        """
        running = self._listed()
        for each in running:
            with suppress(APIError):
                self._engine.api.kill(each["Id"])
        self._own.kill()
        for each in running:
            with suppress(APIError):
                self._start_again(each["Id"])

    def _start_again(self, container: str) -> None:
        policy = self._engine.api.inspect_container(container)["HostConfig"]["RestartPolicy"]["Name"]
        if policy == "unless-stopped":
            self._engine.api.start(container)

    @cached_property
    def _engine(self) -> Engine:
        return Engine(Layout(self._data), os.environ)

    def _listed(self, *, all: bool = False) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._engine.api.containers(all=all, filters=self._engine.filters())
        return found

    def _volumes(self, **labels: str) -> list[dict[str, str]]:
        """Their labels."""
        found = self._engine.api.volumes(filters=self._engine.filters(**labels))["Volumes"] or []
        return [each["Labels"] for each in found]


def _id(container: Mapping[str, Any]) -> str:
    """What is no instance goes by its name."""
    return str(container["Labels"].get(INSTANCE, container["Names"][0]))


def kill(pid: int) -> None:
    assert pid > 1
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()} if directory.is_dir() else set()
