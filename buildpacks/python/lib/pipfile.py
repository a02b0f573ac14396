"""pipfile.py APP REQUIREMENTS OPTIONS: the default packages of Pipfile.lock, or of Pipfile, as requirements for uv.

Formats: Pipenv's Pipfile and lock file of `pipfile-spec` 6.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from output import Options, at_git, canonicalize_name, fail, with_hashes, write

_MARKERS = (
    "os_name",
    "sys_platform",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "python_version",
    "python_full_version",
    "implementation_name",
    "implementation_version",
)


def main(app: Path, *paths: str) -> None:
    loose = read(app / "Pipfile", tomllib.loads)
    packages, sources = loose.get("packages", {}), loose.get("source", [])
    locked = (app / "Pipfile.lock").is_file()
    if locked:
        content = read(app / "Pipfile.lock", json.loads)
        packages = with_markers(content.get("default", {}), packages)
        sources = content.get("_meta", {}).get("sources", [])
    options = Options(locked)
    for number, source in enumerate(sources):
        options.add_index(
            source.get("name", ""),
            source.get("url", ""),
            default=number == 0,
            trusted=source.get("verify_ssl") is False,
        )
    write([requirement(app, name, entry) for name, entry in packages.items()], options, paths=list(paths))


def read(path: Path, parse: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    try:
        return parse(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        fail(f"{path.name} can't be read: {error}")


def with_markers(locked: dict[str, Any], loose: dict[str, Any]) -> dict[str, Any]:
    """Locked packages, with the markers that some versions of Pipenv leave in Pipfile alone."""
    markers = {
        canonicalize_name(name): " and ".join(found)
        for name, entry in loose.items()
        if isinstance(entry, dict) and (found := marker(entry))
    }
    return {
        name: {"markers": markers[canonicalize_name(name)], **entry}
        if canonicalize_name(name) in markers
        else entry
        for name, entry in locked.items()
    }


def requirement(app: Path, name: str, entry: str | dict[str, Any]) -> str:
    """One line of a requirements file."""
    if isinstance(entry, str):
        entry = {"version": entry}
    extras = f"[{','.join(entry['extras'])}]" if entry.get("extras") else ""
    named = f"{name}{extras}"
    place = entry.get("path") or entry.get("file")
    if entry.get("git"):
        line = at_git(named, entry["git"], entry.get("ref", ""), entry.get("subdirectory", ""))
    elif place and "://" in place:
        line = f"{named} @ {place}"
    elif place:
        return f"{'-e ' if entry.get('editable') else ''}{app / place}{extras}"
    else:
        version = entry.get("version", "*")
        line = named if version == "*" else f"{named}{version}"
    markers = " and ".join(marker(entry))
    return with_hashes(f"{line} ; {markers}" if markers else line, entry.get("hashes", []))


def marker(entry: dict[str, Any]) -> list[str]:
    given = [f"({entry['markers']})"] if entry.get("markers") else []
    return given + [f"{name} {entry[name]}" for name in _MARKERS if isinstance(entry.get(name), str)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
