"""RunSpec and Instance as JSON data, and what an order must satisfy before the host carries it out."""

from __future__ import annotations

import re
import signal
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from calzion.errors import CalzionError
from calzion.model import (
    DeploymentName,
    Exit,
    Instance,
    InstanceState,
    Limits,
    RunSpec,
    ServiceName,
    Stop,
    TerminalSize,
    Volume,
)

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = "__calzion_"
_SYSTEM = ("bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin", "sys", "usr")


def spec_to_json(spec: RunSpec) -> dict[str, Any]:
    data = asdict(spec)
    data["slug"] = str(spec.slug) if spec.slug else None
    return data


def spec_from_json(data: dict[str, Any]) -> RunSpec:
    command = data["command"]
    return RunSpec(
        id=data["id"],
        deployment=DeploymentName.parse(data["deployment"]),
        service=ServiceName.parse(data["service"]),
        process_type=data["process_type"],
        release=data["release"],
        command=command if isinstance(command, str) else tuple(command),
        appliance=data["appliance"],
        slug=Path(data["slug"]) if data["slug"] else None,
        env=data["env"],
        ports=data["ports"],
        address=data["address"],
        volumes=tuple(Volume(**volume) for volume in data["volumes"]),
        hosts=tuple((name, address) for name, address in data["hosts"]),
        uid=data["uid"],
        stop=Stop(**data["stop"]),
        limits=Limits(**data["limits"]),
        restart=data["restart"],
    )


def terminal_from_json(data: dict[str, int] | None) -> TerminalSize | None:
    return TerminalSize(rows=int(data["rows"]), columns=int(data["columns"])) if data else None


def instance_to_json(instance: Instance) -> dict[str, Any]:
    return asdict(instance)


def instance_from_json(data: dict[str, Any]) -> Instance:
    exit_ = Exit(**data["exit"]) if data["exit"] else None
    return Instance(**{**data, "state": InstanceState(data["state"]), "exit": exit_})


def check_id(text: str) -> str:
    """An id that can be a file's name. Raises CalzionError (start)."""
    if not _ID.fullmatch(text) or text in (".", ".."):
        raise CalzionError(f"{text[:140]!a} is no instance id", code="start")
    return text


def check_spec(spec: RunSpec, *, root: bool) -> None:
    """Raises CalzionError (start) for an order that can't, or must not, be carried out."""
    check_id(spec.id)
    problem = _problem(spec, root)
    if problem:
        raise CalzionError(f"{spec.deployment}:{spec.service} can't be started: {problem}", code="start")


def _problem(spec: RunSpec, root: bool) -> str:
    if root and spec.uid == 0:
        return "no user was given, and nothing is run as root"
    if spec.slug is not None and not spec.slug.is_dir():
        return f"its slug {spec.slug} is missing"
    if spec.appliance is None and spec.image is None and not spec.command:
        return "it has no command"
    if spec.stop.signal not in signal.Signals.__members__:
        return f"{spec.stop.signal} is no signal"
    return _environment_problem(spec) or _volume_problem(spec)


def _environment_problem(spec: RunSpec) -> str:
    for name, value in spec.env.items():
        if not _VARIABLE.fullmatch(name) or name.startswith(_RESERVED):
            return f"{name!r} can't be the name of a variable; use letters, digits and '_'"
        if "\0" in value:
            return f"the value of {name} has a NUL byte"
    return ""


def _volume_problem(spec: RunSpec) -> str:
    for volume in spec.volumes:
        path = PurePosixPath(volume.path)
        if not path.is_absolute() or ".." in path.parts or len(path.parts) < 2 or path.parts[1] in _SYSTEM:
            return f"a volume can't be at {volume.path}"
        if not _ID.fullmatch(volume.name) or volume.name in (".", ".."):
            return f"{volume.name!r} can't be the name of a volume"
        if spec.slug is not None and _passes_link(spec.slug, path):
            return f"the volume at {volume.path} would lie behind a symbolic link of the app"
    return ""


def _passes_link(slug: Path, path: PurePosixPath) -> bool:
    if path.parts[1] != "app":
        return False
    inside = slug
    for part in path.parts[2:]:
        inside /= part
        if inside.is_symlink():
            return True
    return False
