"""calzion.toml: settings in a file."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from calzion.errors import CalzionError

NAME = "calzion.toml"
MAX_BYTES = 1 << 16


def read_config_file(
    file: Path, names: Collection[str], numbers: Collection[str]
) -> tuple[dict[str, str], list[str]]:
    """The settings that stand in the file, as text, and a sentence for each entry that is none.

    `names` are the settings that there are, `numbers` those that may be written without quotes. Raises CalzionError
    (usage) where the file is no TOML, or can't be read.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for name, value in _load(file).items():
        problem = _problem(name, value, names, numbers)
        if problem:
            problems.append(f"{file}: {problem}")
        else:
            found[name] = str(value)
    return found, problems


def _load(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES >> 10} KiB")
        return tomllib.loads(content.decode())
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CalzionError(
            f"{file} can't be read: {why}",
            code="usage",
            hint="'calzion config --example' prints a file to begin with",
        ) from error


def _problem(name: str, value: object, names: Collection[str], numbers: Collection[str]) -> str:
    """What is wrong with an entry, '' for a good one."""
    if isinstance(value, dict):
        inner = next((f"{name}-{key}" for key in value if f"{name}-{key}" in names), "")
        instead = inner or _nearest(name, names)
        return f"[{name}] is a table, and settings stand alone{f': write {instead} = ...' if instead else ''}"
    if name not in names:
        near = _nearest(name, names)
        return f"unknown setting {name!r}{f'; did you mean {near!r}?' if near else ''}"
    if isinstance(value, bool):
        return f"{name} is {str(value).lower()}, and no setting is true or false"
    if isinstance(value, str) or (isinstance(value, int | float) and name in numbers):
        return ""
    if isinstance(value, list):
        return f"{name} is a list, and takes one value"
    return f'{name} takes text in quotes: {name} = "{value}"'


def _nearest(name: str, names: Collection[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name.lower().replace("_", "-")[:40], names, n=1)
    return found[0] if found else ""
