"""A service's shape -> its canonical definition, and back to the keys that would define it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from calzion.model import (
    Command,
    Healthcheck,
    Label,
    Pairs,
    Port,
    ServiceDefinition,
    ServiceName,
    Stop,
    Volume,
)
from calzion.template.port import ASSIGN

if TYPE_CHECKING:
    from calzion.template.shape import ServiceShape


def define(name: ServiceName, shape: ServiceShape, image: str, env: Mapping[str, str]) -> ServiceDefinition:
    """The definition; `image` counts where the shape has no image, git or build, `env` below its own."""
    built = shape.git is not None or shape.build is not None
    return ServiceDefinition(
        name=name,
        git=shape.git,
        build=shape.build,
        image=None if built else shape.image or image,
        cmd=shape.cmd,
        entrypoint=shape.entrypoint,
        env=_pairs({**env, **shape.env}),
        ports=_ports(shape),
        volumes=tuple(Volume(name=key, path=path) for key, path in _pairs(shape.volumes)),
        buildpacks=None if shape.buildpacks is None else tuple(shape.buildpacks),
        build_env=tuple(sorted(shape.build_env)),
        processes=None if shape.processes is None else tuple(sorted(shape.processes)),
        release=shape.release,
        healthcheck=Healthcheck(**_given(shape.healthcheck)),
        require=tuple(sorted(Label(other) for other in shape.require)),
        expose=_pairs(shape.expose),
        stop=Stop(**_given(shape.stop)),
        overlap=shape.overlap,
        labels=_pairs(shape.labels),
        privileged=bool(shape.privileged),
    )


def as_keys(definition: ServiceDefinition) -> dict[str, Any]:
    """JSON data for which `parse_service(definition.name, ...)` gives the definition again.

    Times, ports and the stop signal are written out even where they are the defaults: what a release was does
    not change with the defaults of a later version. Empty collections and keys without a value are left out.
    """
    keys: dict[str, Any] = {
        "image": definition.image,
        "git": definition.git,
        "build": definition.build,
        "cmd": _listed(definition.cmd),
        "entrypoint": _listed(definition.entrypoint),
        "env": dict(definition.env) or None,
        **_port_keys(definition.ports),
        "volumes": {volume.name: volume.path for volume in definition.volumes} or None,
        "buildpacks": None if definition.buildpacks is None else list(definition.buildpacks),
        "build_env": list(definition.build_env) or None,
        "processes": None if definition.processes is None else list(definition.processes),
        "release": definition.release,
        "healthcheck": _health_keys(definition.healthcheck),
        "require": [str(name) for name in definition.require] or None,
        "expose": dict(definition.expose) or None,
        "stop": {"signal": definition.stop.signal, "timeout": definition.stop.timeout},
        "overlap": definition.overlap,
        "labels": dict(definition.labels) or None,
        "privileged": definition.privileged or None,
    }
    return {key: value for key, value in keys.items() if value is not None}


def _given(shape: Any) -> dict[str, Any]:
    return {key: value for key, value in shape if value is not None}


def _pairs(values: Mapping[str, str]) -> Pairs:
    return tuple(sorted(values.items()))


def _ports(shape: ServiceShape) -> tuple[Port, ...]:
    if shape.ports is None:
        return (Port(number=shape.port),)
    numbers = dict.fromkeys(shape.ports) if isinstance(shape.ports, list) else shape.ports
    return tuple(Port(name=name, number=number) for name, number in sorted(numbers.items()))


def _port_keys(ports: tuple[Port, ...]) -> dict[str, Any]:
    if len(ports) == 1 and not ports[0].name:
        return {"port": ports[0].number or ASSIGN}
    return {"ports": {port.name: port.number or ASSIGN for port in ports}}


def _health_keys(check: Healthcheck) -> dict[str, Any]:
    keys = {
        "path": check.path,
        "port": check.port or None,
        "cmd": _listed(check.cmd),
        "interval": check.interval,
        "timeout": check.timeout,
        "grace": check.grace,
    }
    return {key: value for key, value in keys.items() if value is not None}


def _listed(command: Command | None) -> str | list[str] | None:
    return list(command) if isinstance(command, tuple) else command
