"""Registries' credentials for one docker command, in a configuration directory of its own (`docker --config`)."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from calzion.model import Login
from calzion.template.registry import DOCKER_HUB

VARIABLE = "DOCKER_CONFIG"
_FILE = "config.json"
_HUB = "https://index.docker.io/v1/"
"""Docker Hub's name in such a configuration."""


@contextmanager
def docker_config(
    environ: Mapping[str, str], logins: Mapping[str, Login], place: Path
) -> Iterator[Mapping[str, str]]:
    """`environ` with a DOCKER_CONFIG that has the logins too, by registry. `place` is a directory of ours.

    All else is as in the DOCKER_CONFIG that was given. The credentials are in memory alone: whatever ends this process
    ends them. Raises OSError.
    """
    if not logins:
        yield environ
        return
    given = Path(environ[VARIABLE]) if environ.get(VARIABLE) else None
    directory = place / "docker"
    directory.mkdir(mode=0o700)
    for each in given.iterdir() if given and given.is_dir() else ():
        if each.name != _FILE:
            (directory / each.name).symlink_to(each.absolute())
    memory = os.memfd_create("docker-config", os.MFD_CLOEXEC)
    try:
        os.write(memory, json.dumps(with_logins(_read(given), logins)).encode())
        (directory / _FILE).symlink_to(f"/proc/{os.getpid()}/fd/{memory}")
        yield {**environ, VARIABLE: str(directory)}
    finally:
        os.close(memory)


def with_logins(config: Mapping[str, Any], logins: Mapping[str, Login]) -> dict[str, Any]:
    """The content of a config.json in which these logins go before what else it has for their registries. Pure."""
    hosts = {_HUB if host == DOCKER_HUB else host: login for host, login in logins.items()}
    words = {host: f"{login.user}:{login.password}".encode() for host, login in hosts.items()}
    auths = {host: {"auth": base64.b64encode(word).decode()} for host, word in words.items()}
    # An empty helper is the file itself, where another one is the rule (credsStore).
    helpers = dict.fromkeys(hosts, "") if config.get("credsStore") or config.get("credHelpers") else {}
    return {
        **config,
        "auths": {**_mapping(config, "auths"), **auths},
        "credHelpers": {**_mapping(config, "credHelpers"), **helpers},
    }


def _mapping(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = config.get(name)
    return found if isinstance(found, dict) else {}


def _read(given: Path | None) -> dict[str, Any]:
    """What was configured; nothing where that can't be read, as the command itself has it."""
    try:
        found = json.loads((given / _FILE).read_bytes()) if given else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
