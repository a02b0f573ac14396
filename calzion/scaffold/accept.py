"""Keeps of a sketched service what the language of templates takes; the rest becomes a note."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from calzion.errors import CalzionError
from calzion.model import ServiceName
from calzion.scaffold.sketch import Notes
from calzion.template import parse_sections, parse_service

_SOURCES = ("image", "git", "build")
_MAPS = ("env", "volumes", "labels", "ports")


def accepted(name: str, keys: Mapping[str, Any], notes: Notes) -> dict[str, Any] | None:
    """The keys that stand on their own and together; None where not even the source of the code does."""
    source = {key: value for key, value in keys.items() if key in _SOURCES}
    if reason := _refused(name, source):
        notes.leave(name, f"the service: {reason}")
        return None
    found = dict(source)
    for key, value in keys.items():
        if key in source:
            continue
        part = value
        if key in _MAPS and isinstance(value, dict):
            part = _parts(name, source, key, value, notes)
            if not part:
                continue
        if reason := _refused(name, {**found, key: part}):
            notes.leave(name, f"{key}: {reason}")
        else:
            found[key] = part
    return found


def accepted_task(name: str, task: Mapping[str, str], services: Collection[str], notes: Notes) -> bool:
    """Whether the language takes the task; else why not is noted."""
    if task["service"] not in services:
        return False
    try:
        parse_sections({"Run": {name: dict(task)}})
    except CalzionError as error:
        notes.leave(task["service"], f"the task {name}: {_reason(error)}")
        return False
    return True


def _parts(
    name: str, source: Mapping[str, Any], key: str, value: dict[str, Any], notes: Notes
) -> dict[str, Any]:
    """The entries of a map that are accepted one by one."""
    found = {}
    for inner, part in value.items():
        if reason := _refused(name, {**source, key: {inner: part}}):
            notes.leave(name, f"{key} {inner}: {reason}")
        else:
            found[inner] = part
    return found


def _refused(name: str, keys: Mapping[str, Any]) -> str:
    """Why the language does not take the keys, '' where it does."""
    try:
        parse_service(ServiceName.parse(name), keys or {"image": name})
    except CalzionError as error:
        return _reason(error)
    return ""


def _reason(error: CalzionError) -> str:
    """The first sentence of what is wrong, without its place."""
    line = str(error.detail[0]) if isinstance(error.detail, list) and error.detail else error.message
    return line.partition(": ")[2] or line
