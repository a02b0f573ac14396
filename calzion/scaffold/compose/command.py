"""`command` and `entrypoint` of a Compose service -> `cmd` and `entrypoint`."""

from __future__ import annotations

import shlex
from typing import Any

from calzion.scaffold.compose.context import Owner
from calzion.scaffold.compose.reading import scalar, scalars
from calzion.scaffold.dockerfile import FILE, started
from calzion.scaffold.tree import joined
from calzion.template.data import Data

_KEYS = (("entrypoint", "entrypoint"), ("cmd", "command"))


def command_keys(service: dict[str, Data], env: dict[str, str], owner: Owner) -> dict[str, Any]:
    """The keys of an image; variables that a command needs are added to `env`."""
    found = {key: _command(service.get(name), env, owner) for key, name in _KEYS}
    return {key: value for key, value in found.items() if value}


def app_command(service: dict[str, Data], env: dict[str, str], directory: str, owner: Owner) -> str:
    """The one command of an app, for a shell: the file's, else its Dockerfile's where there is no Procfile."""
    written = [_command(service.get(name), env, owner) for _, name in _KEYS]
    words = " ".join(_shell(part) for part in written if part)
    if words or "Procfile" in owner.context.tree.names(directory):
        return words
    file = joined(directory, _dockerfile(service))
    content = (file and owner.context.tree.read(file)) or b""
    return owner.context.vault.shell(started(content) or "", env)


def _dockerfile(service: dict[str, Data]) -> str:
    build = service.get("build")
    return (scalar(build.get("dockerfile")) if isinstance(build, dict) else None) or FILE


def _command(data: Data, env: dict[str, str], owner: Owner) -> str | list[str] | None:
    """A list stays one unless it needs a shell for what comes by the environment."""
    if not isinstance(data, list):
        written = scalar(data)
        return owner.command(written, env).strip() if written else None
    words = scalars(data)
    line = owner.command(shlex.join(words), env)
    if "$" in line.replace(shlex.join(words), ""):
        return line
    return words or None


def _shell(command: str | list[str]) -> str:
    return shlex.join(command) if isinstance(command, list) else command
