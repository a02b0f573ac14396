"""Which Python an app asks for, and where it says so. Pure."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from calzion.build.constraint import parse_constraint
from calzion.build.detect import Read
from calzion.errors import CalzionError

_VERSION = re.compile(r"(?:c?python[-@ ]?)?v?(\d+)(?:\.(\d+))?(?:\.(\d+|x|\*))?(?:-dev)?", re.IGNORECASE)
_LONGEST = 100


@dataclass(frozen=True, kw_only=True)
class PythonRequest:
    """`text` is asked for in the file `place`. One of `wanted` has to allow a version.

    `instead` says what will do where exactly one version is wanted and not there: any of the same minor version.
    """

    text: str
    place: str
    wanted: tuple[SpecifierSet, ...]
    instead: SpecifierSet | None = None

    def allows(self, version: str) -> bool:
        return any(wanted.contains(version, prereleases=True) for wanted in self.wanted)

    def bears(self, version: str) -> bool:
        return self.instead is not None and self.instead.contains(version, prereleases=True)


def python_request(names: tuple[str, ...], read: Read) -> PythonRequest | None:
    """What the app's files ask for, None where they leave it open. `names` are those at the root.

    A platform's runtime.txt goes before .python-version, these before what Pipfile or pyproject.toml require.
    Raises CalzionError (build) where a file can't be understood.
    """
    for place, look in (
        ("runtime.txt", _of_version_file),
        (".python-version", _of_version_file),
        ("Pipfile", _of_pipfile),
        ("Pipfile.lock", _of_pipfile_lock),
        ("pyproject.toml", _of_pyproject),
    ):
        if place.startswith("Pipfile") and ("uv.lock" in names or "poetry.lock" in names):
            continue
        content = read(place) if place in names else None
        if content is not None:
            request = look(place, content.decode("utf-8", "replace").lstrip("\ufeff"))
            if request:
                return request
    return None


def _of_version_file(place: str, text: str) -> PythonRequest | None:
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    asked = next((line for line in lines if line), "")
    if not asked or asked == "system":
        return None
    return _version(place, asked) or _constraint(place, asked)


def _of_pipfile(place: str, text: str) -> PythonRequest | None:
    return _of_requires(place, _toml(place, text).get("requires"))


def _of_pipfile_lock(place: str, text: str) -> PythonRequest | None:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise _unreadable(place, error) from error
    return _of_requires(place, _dig(content, "_meta", "requires"))


def _of_requires(place: str, requires: Any) -> PythonRequest | None:
    for name in ("python_full_version", "python_version"):
        asked = _dig(requires, name)
        if isinstance(asked, str) and asked.strip() not in ("", "*"):
            return _version(place, asked.strip()) or _constraint(place, asked.strip())
    return None


def _of_pyproject(place: str, text: str) -> PythonRequest | None:
    content = _toml(place, text)
    poetry = _dig(content, "tool", "poetry", "dependencies", "python")
    if isinstance(poetry, dict):
        poetry = poetry.get("version")
    if isinstance(poetry, str):
        return _version(place, poetry.strip()) or _constraint(place, poetry.strip())
    required = _dig(content, "project", "requires-python")
    return _constraint(place, required.strip()) if isinstance(required, str) else None


def _version(place: str, asked: str) -> PythonRequest | None:
    """A version as people write it, or None where `asked` is none."""
    match = _VERSION.fullmatch(asked)
    if not match:
        return None
    numbers = [part for part in match.groups() if part and part.isdigit()]
    text = ".".join(numbers)
    wildcard = SpecifierSet(f"=={'.'.join(numbers[:2])}.*")
    if len(numbers) < 3:
        return PythonRequest(text=text, place=place, wanted=(wildcard,))
    return PythonRequest(text=text, place=place, wanted=(SpecifierSet(f"=={text}"),), instead=wildcard)


def _constraint(place: str, asked: str) -> PythonRequest:
    try:
        wanted = tuple(SpecifierSet(part) for part in parse_constraint(asked[:_LONGEST]))
    except (InvalidSpecifier, ValueError) as error:
        raise CalzionError(
            f"{place} asks for {asked[:_LONGEST]!a}, which names no version of CPython",
            hint="write a version such as 3.12, or remove it to get the server's default",
            code="build",
        ) from error
    return PythonRequest(text=asked, place=place, wanted=wanted)


def _toml(place: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _unreadable(place, error) from error


def _unreadable(place: str, error: Exception) -> CalzionError:
    return CalzionError(f"{place} can't be read: {str(error)[:200]}", code="build")


def _dig(content: Any, *names: str) -> Any:
    for name in names:
        content = content.get(name) if isinstance(content, dict) else None
    return content
