"""poetry_lock.py APP REQUIREMENTS OPTIONS: the main dependencies of a Poetry project as requirements for uv.

With poetry.lock (lock-version 1.0 to 2.1) what is locked for the interpreter CALZION_PYTHON_VERSION, otherwise the
constraints of pyproject.toml. Makes REQUIREMENTS.root where Poetry would install the project itself.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from output import Options, at_git, canonicalize_name, fail, with_hashes, write
from poetry.core.constraints.version import Version, parse_constraint
from poetry.core.factory import Factory
from poetry.core.masonry.utils.module import Module
from poetry.core.packages.dependency import Dependency
from poetry.core.poetry import Poetry
from poetry.core.version.markers import parse_marker

Table = dict[str, Any]


class Lock:
    """The packages of a lock file, and which of them an environment gets."""

    def __init__(self, content: Table, environment: dict[str, str]) -> None:
        self._environment = environment
        self._python = Version.parse(environment["python_full_version"])
        self._files = content.get("metadata", {}).get("files", {})
        self._hashes = content.get("metadata", {}).get("hashes", {})
        self._named: dict[str, list[Table]] = {}
        for package in content.get("package", []):
            self._named.setdefault(canonicalize_name(package["name"]), []).append(package)
        self.chosen: dict[str, Table] = {}
        self._seen: set[tuple[str, str]] = set()

    def choose(self, name: str, constraint: str, extras: frozenset[str], asked_by: str) -> None:
        """Choose the package that is locked for this dependency, and those that it depends on."""
        waiting = [(name, constraint, extras, asked_by)]
        while waiting:
            name, constraint, extras, asked_by = waiting.pop()
            name = canonicalize_name(name)
            package = self.chosen.get(name) or self._find(name, constraint, asked_by)
            self.chosen[name] = package
            for extra in {"", *map(canonicalize_name, extras)}:
                if (name, extra) not in self._seen:
                    self._seen.add((name, extra))
                    waiting += self._below(package, extra)

    def _find(self, name: str, constraint: str, asked_by: str) -> Table:
        wanted = parse_constraint(constraint)
        for package in self._named.get(name, []):
            if self._fits(package) and wanted.allows(Version.parse(package["version"])):
                return package
        fail(
            f"poetry.lock has no {name} ({constraint}) for Python {self._python}, which {asked_by} depends on: "
            "it is out of step with pyproject.toml ('poetry lock' mends that), or locked for another Python"
        )

    def _fits(self, package: Table) -> bool:
        """Whether this is the version that is locked for the app's interpreter; newer locks say so by markers."""
        markers = package.get("markers", "")
        if isinstance(markers, dict):
            markers = markers.get("main", "")
        python = parse_constraint(package.get("python-versions", "*"))
        return python.allows(self._python) and self._holds(markers)

    def _holds(self, markers: str, extra: str = "") -> bool:
        return not markers or parse_marker(markers).validate({**self._environment, "extra": extra})

    def _below(self, package: Table, extra: str) -> list[tuple[str, str, frozenset[str], str]]:
        """What a package depends on because of `extra`, or, where that is '', anyway."""
        named = {
            canonicalize_name(match[0])
            for given, entries in package.get("extras", {}).items()
            if canonicalize_name(given) == extra
            for entry in entries
            if (match := re.match(r"[\w.-]+", entry))
        }
        found = []
        for name, entries in package.get("dependencies", {}).items():
            for entry in entries if isinstance(entries, list) else [entries]:
                entry = {"version": entry} if isinstance(entry, str) else entry
                because = canonicalize_name(name) in named if entry.get("optional") else not extra
                if because and self._applies(entry, extra):
                    extras = frozenset(entry.get("extras", ()))
                    found.append((name, entry.get("version", "*"), extras, package["name"]))
        return found

    def _applies(self, entry: Table, extra: str) -> bool:
        python = parse_constraint(entry.get("python", "*"))
        return python.allows(self._python) and self._holds(entry.get("markers", ""), extra)

    def hashes(self, package: Table) -> list[str]:
        files = package.get("files") or self._files.get(package["name"], [])
        return [file["hash"] for file in files] + [
            f"sha256:{digest}" for digest in self._hashes.get(package["name"], [])
        ]


def main(app: Path, *paths: str) -> None:
    logging.disable(logging.WARNING)  # what Poetry will drop one day matters to whoever runs Poetry
    environment = target_environment(os.environ["CALZION_PYTHON_VERSION"])
    poetry = read_project(app)
    wanted = [
        dependency
        for dependency in poetry.package.requires
        if not dependency.is_optional() and dependency.marker.validate(environment)
    ]
    locked = (app / "poetry.lock").is_file()
    options = Options(locked)
    for source in poetry.local_config.get("source", []):
        if "url" in source:
            options.add_index(source.get("name", ""), source["url"], default=source.get("default") is True)
    lines = from_lock(app, wanted, environment) if locked else [each.to_pep_508() for each in wanted]
    write(sorted(set(lines)), options, paths=list(paths))
    if installs_itself(app, poetry):
        Path(f"{paths[0]}.root").touch()


def target_environment(version: str) -> dict[str, str]:
    """The values that PEP 508's markers have for the app's interpreter, a CPython of this machine."""
    return {
        "os_name": os.name,
        "sys_platform": sys.platform,
        "platform_machine": platform.machine(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_version": ".".join(version.split(".")[:2]),
        "python_full_version": version,
        "implementation_version": version,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }


def read_project(app: Path) -> Poetry:
    try:
        return Factory().create_poetry(app, with_groups=False)
    except (RuntimeError, ValueError) as error:
        fail(f"pyproject.toml can't be used: {error}")


def from_lock(app: Path, wanted: list[Dependency], environment: dict[str, str]) -> list[str]:
    try:
        content = tomllib.loads((app / "poetry.lock").read_text("utf-8"))
    except ValueError as error:
        fail(f"poetry.lock can't be read: {error}; 'poetry lock' writes a new one")
    lock = Lock(content, environment)
    for dependency in wanted:
        constraint = "*" if dependency.source_type not in (None, "legacy") else str(dependency.constraint)
        lock.choose(dependency.name, constraint, frozenset(dependency.extras), "pyproject.toml")
    return [requirement(app, lock, package) for package in lock.chosen.values()]


def requirement(app: Path, lock: Lock, package: Table) -> str:
    """One line of a requirements file."""
    name, source = package["name"], package.get("source", {})
    kind, url = source.get("type"), source.get("url", "")
    if kind == "git":
        reference = source.get("resolved_reference") or source.get("reference", "")
        return at_git(name, url, reference, source.get("subdirectory", ""))
    if kind == "url":
        return f"{name} @ {url}"
    if kind in ("directory", "file"):
        return f"{'-e ' if package.get('develop') else ''}{app / url}"
    return with_hashes(f"{name}=={package['version']}", lock.hashes(package))


def installs_itself(app: Path, poetry: Poetry) -> bool:
    if not poetry.is_package_mode or not poetry.pyproject.data.get("build-system"):
        return False
    try:
        packages = [{"format": ["sdist"], **package} for package in poetry.local_config.get("packages") or []]
        Module(poetry.package.name, str(app), packages=packages)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
