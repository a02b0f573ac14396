"""Starts the services of a compose.yaml with the engine alone, as `docker compose` would. Other keys than ours fail."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from docker.api.client import APIClient
from docker.errors import NotFound
from docker.utils import kwargs_from_env

_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")

_HOST: dict[str, Callable[[Any], dict[str, Any]]] = {
    "restart": lambda value: {"restart_policy": {"Name": value}},
    "cap_drop": lambda value: {"cap_drop": value},
    "cap_add": lambda value: {"cap_add": value},
    "security_opt": lambda value: {"security_opt": value},
    "network_mode": lambda value: {"network_mode": value},
    "pid": lambda value: {"pid_mode": value},
    "init": lambda value: {"init": value},
    "read_only": lambda value: {"read_only": value},
    "tmpfs": lambda value: {"tmpfs": dict.fromkeys(value, "")},
    "ports": lambda value: {"port_bindings": {port: host for host, port in map(_port, value)}},
}
_OWN = {"image", "command", "user", "environment"}
_OTHERWISE = {"volumes", "depends_on", "stop_grace_period"}


class Composed:
    """`project` begins the names of its containers and volumes; `variables` fill the file's ${NAME:-DEFAULT}."""

    def __init__(self, file: Path, project: str, variables: Mapping[str, str]) -> None:
        self.project = project
        self.api = APIClient(version="auto", **kwargs_from_env(environment=dict(os.environ)))
        self._file = file
        self.variables = dict(variables)

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        text = _VARIABLE.sub(
            lambda found: self.variables.get(found[1], found[2]), self._file.read_text(encoding="utf-8")
        )
        services: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
        return services

    def container(self, service: str) -> str:
        return f"{self.project}-{service}-1"

    def up(self, *services: str) -> None:
        """Create and start these services, or all, each anew where it is there already."""
        for service in services or _in_order(self.services):
            self.remove(service)
            self.api.start(self._create(service, self.services[service]))

    def run(self, service: str, *command: str) -> tuple[int, str]:
        """One command in a container of its own, like `docker compose run --rm`; status and output."""
        order = {**self.services[service], "command": list(command), "restart": "no", "ports": []}
        container = self._create(service, order, suffix="run")
        try:
            self.api.start(container)
            status = int(self.api.wait(container)["StatusCode"])
            return status, self.api.logs(container).decode()
        finally:
            self.api.remove_container(container, force=True)

    def restart(self, service: str) -> None:
        self.api.restart(self.container(service), timeout=60)

    def remove(self, service: str) -> None:
        name = self.container(service)
        try:
            self.api.stop(name, timeout=60)
            self.api.remove_container(name)
        except NotFound:
            return

    def down(self) -> None:
        """Everything, volumes too."""
        for service in reversed(_in_order(self.services)):
            self.remove(service)
        for volume in yaml.safe_load(self._file.read_text(encoding="utf-8"))["volumes"]:
            self.api.remove_volume(f"{self.project}_{volume}", force=True)

    def pids(self, service: str) -> list[int]:
        """The processes of a service, by their numbers on the machine."""
        listed: Any = self.api.top(self.container(service), "-eo pid")
        return [int(row[0]) for row in listed["Processes"]]

    def logs(self) -> str:
        return "\n".join(
            f"{service}: {self.api.logs(self.container(service)).decode()}" for service in self.services
        )

    def _create(self, service: str, order: Mapping[str, Any], suffix: str = "1") -> str:
        known = {**_HOST, **dict.fromkeys(_OWN | _OTHERWISE)}
        assert set(order) <= set(known), set(order) - set(known)
        host: dict[str, Any] = {"binds": [self._bind(volume) for volume in order["volumes"]]}
        for key in set(order) & set(_HOST):
            host |= _HOST[key](order[key])
        own = {key: order[key] for key in _OWN & set(order)}
        created = self.api.create_container(
            **own,
            name=f"{self.project}-{service}-{suffix}",
            ports=[port for _, port in map(_port, order.get("ports", ()))],
            host_config=self.api.create_host_config(**host),
        )
        return str(created["Id"])

    def _bind(self, volume: str) -> str:
        return volume if volume.startswith("/") else f"{self.project}_{volume}"


def _port(text: str) -> tuple[int, int]:
    host, _, container = text.partition(":")
    return int(host), int(container)


def _in_order(services: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found: list[str] = []
    while len(found) < len(services):
        found += [
            name
            for name, order in services.items()
            if name not in found and set(order.get("depends_on", ())) <= set(found)
        ]
    return found
