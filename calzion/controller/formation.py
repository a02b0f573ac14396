"""Which processes of a service run, and how many of each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calzion.errors import CalzionError
from calzion.model import Command, Pairs, ServiceDefinition

WEB = "web"
RELEASE = "release"
SERVER = "server"
"""The only process type of an appliance, and of an image that was pulled."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """`routed` processes get the service's traffic."""

    type: str
    command: Command
    count: int
    routed: bool = False


def app_processes(
    definition: ServiceDefinition, types: Pairs, counts: Mapping[tuple[str, str], int]
) -> tuple[Process, ...]:
    """The processes of an app whose slug knows `types`. Raises CalzionError (start) where there is none to run."""
    available: dict[str, Command] = {name: command for name, command in types if name != RELEASE}
    if definition.cmd is not None:
        available[WEB] = definition.cmd
    chosen = definition.processes if definition.processes is not None else tuple(available)
    missing = [name for name in chosen if name not in available]
    if missing:
        raise CalzionError(
            f"{definition.name}: processes names {missing[0]!r}, which the Procfile does not have",
            hint=f"it has: {', '.join(available) or 'nothing'}",
            code="start",
        )
    if not chosen:
        raise CalzionError(
            f"{definition.name}: start failed: there is no process to run: {_nothing(types)}",
            hint="add a Procfile with a line such as 'web: gunicorn app:app' (in a Node app a 'start' script of"
            " package.json does as well), or give the service a 'cmd'; what the build makes a static site of is"
            " served with 'buildpacks: [node, static]'",
            code="start",
        )
    routed = _routed(definition, chosen)
    return tuple(
        Process(
            type=name,
            command=available[name],
            count=counts.get((definition.name, name), 1),
            routed=name == routed,
        )
        for name in chosen
    )


def image_process(definition: ServiceDefinition, counts: Mapping[tuple[str, str], int]) -> Process:
    """The process of an image. Host names lead to one that says by which path it is asked whether it is well."""
    return Process(
        type=SERVER,
        command=definition.cmd or "",
        count=counts.get((definition.name, SERVER), 1),
        routed=bool(definition.healthcheck.path and definition.ports),
    )


def _nothing(types: Pairs) -> str:
    return "its Procfile has only a release line" if types else "it has no Procfile and no start script"


def release_command(definition: ServiceDefinition, types: Pairs) -> str | None:
    """The command that runs once before traffic moves: the template's, else the Procfile's."""
    return definition.release or dict(types).get(RELEASE)


def _routed(definition: ServiceDefinition, chosen: tuple[str, ...]) -> str | None:
    if not definition.ports:
        return None
    if WEB in chosen:
        return WEB
    return chosen[0] if definition.healthcheck.path and len(chosen) == 1 else None
