"""What bin/release of a buildpack says: YAML with default_process_types and config_vars. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from calzion.errors import CalzionError
from calzion.model import Pairs

MAX_SIZE = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Release:
    process_types: Pairs = ()
    config_vars: Pairs = ()


def parse_release(content: bytes) -> Release:
    """Read the output of bin/release; nothing at all is an empty release. Raises CalzionError (build)."""
    try:
        data = yaml.safe_load(content.decode("utf-8")) if content.strip() else None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _bad("it is no YAML") from error
    data = {} if data is None else data
    if not isinstance(data, dict):
        raise _bad("it is no mapping")
    return Release(
        process_types=_pairs(data, "default_process_types"), config_vars=_pairs(data, "config_vars")
    )


def _pairs(data: dict[Any, Any], key: str) -> Pairs:
    value = data.get(key) or {}
    if not isinstance(value, dict):
        raise _bad(f"{key} is no mapping")
    for name, text in value.items():
        if not isinstance(name, str) or not isinstance(text, str | int | float) or "\0" in f"{name}{text}":
            raise _bad(f"{key} holds more than names and texts")
    return tuple((name, str(text)) for name, text in value.items())


def _bad(reason: str) -> CalzionError:
    return CalzionError(f"the buildpack's bin/release can't be understood: {reason}", code="build")
