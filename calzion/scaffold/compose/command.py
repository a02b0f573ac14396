"""`command` and `entrypoint` of a Compose service -> `cmd` and `entrypoint`."""

from __future__ import annotations

import shlex
from typing import Any

from calzion.scaffold.compose.context import Owner
from calzion.scaffold.compose.reading import scalar, scalars
from calzion.template.data import Data


def command_keys(service: dict[str, Data], env: dict[str, str], app: bool, owner: Owner) -> dict[str, Any]:
    """The keys; variables that a command needs are added to `env`. An app has one command and no entrypoint."""
    entrypoint = _command(service.get("entrypoint"), env, owner)
    command = _command(service.get("command"), env, owner)
    if not app:
        found = {"entrypoint": entrypoint, "cmd": command}
        return {key: value for key, value in found.items() if value}
    words = " ".join(_shell(part) for part in (entrypoint, command) if part)
    return {"cmd": words} if words else {}


def _command(data: Data, env: dict[str, str], owner: Owner) -> str | list[str] | None:
    """A list stays one unless it needs a shell for what comes by the environment."""
    if not isinstance(data, list):
        written = scalar(data)
        return owner.command(written, env).strip() if written else None
    words = scalars(data)
    joined = owner.command(shlex.join(words), env)
    if "$" in joined.replace(shlex.join(words), ""):
        return joined
    return words or None


def _shell(command: str | list[str]) -> str:
    return shlex.join(command) if isinstance(command, list) else command
