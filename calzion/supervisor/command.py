"""How a part is started: its argument list and its environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import calzion
from calzion.config import OFF, SETTINGS, Settings

PART_VARIABLE = "CALZION_PART"
"""Names the part that a process of Calzion is; it reads its settings from its environment alone."""

READY_VARIABLE = "CALZION_READY_FD"
"""The descriptor on which a part writes one line of JSON when it is ready."""

SUPERVISOR = "supervisor"

_SSHD_NEEDS = frozenset(
    {
        *(setting.variable for setting in SETTINGS if not setting.secret),
        PART_VARIABLE,
        READY_VARIABLE,
        "LANG",
        "PATH",
        "PYTHONPATH",
        "TZ",
    }
)

_LONGEST_NUMBER = 999_999_999


def program() -> list[str]:
    """How Calzion runs itself: by path, so that the current directory can't bring modules of its own."""
    return [sys.executable, "-P", str(Path(calzion.__file__).parent / "__main__.py")]


def part_command(part: str, data: Path, outlives: bool, environ: Mapping[str, str]) -> list[str]:
    """The argument list of a part. One that must not outlive the supervisor is killed with it."""
    setpriv = None if outlives else _find("setpriv", environ)
    leash = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
    return [*leash, *program(), "serve", part, "--data", str(data)]


def environment_of(part: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What a part's process has as its environment: for one that faces the network, no settings with passwords."""
    if part != "sshd":
        return {**environ, PART_VARIABLE: part}
    return {**{name: value for name, value in environ.items() if name in _SSHD_NEEDS}, PART_VARIABLE: part}


def variables(settings: Settings) -> dict[str, str]:
    """The settings as CALZION_ variables, such that reading them gives the same settings."""
    values = {setting.variable: getattr(settings, setting.name.replace("-", "_")) for setting in SETTINGS}
    return {name: _text(value) for name, value in values.items()}


def _text(value: object) -> str:
    if value is None:
        return OFF
    if isinstance(value, int) and value > _LONGEST_NUMBER:
        power = max(power for power in range(5) if value % 1024**power == 0)
        return f"{value // 1024**power}{' KMGT'[power].strip()}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _find(name: str, environ: Mapping[str, str]) -> str | None:
    candidates = (Path(folder) / name for folder in os.get_exec_path(environ))
    return next((str(path) for path in candidates if os.access(path, os.X_OK)), None)
