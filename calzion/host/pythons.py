"""Python installations of this machine: the system's, pyenv's, uv's, and any other on the PATH."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from calzion.host.sandbox import SYSTEM_PATH, Mount

ENVIRONMENT = ".calzion/python"
"""Where in a slug the python buildpack puts the app's virtual environment."""

_NAMES = ("python3", *(f"python3.{minor}" for minor in range(6, 21)))
_DOWNLOADED = r"cpython-[\d.]+-"
_OPEN = 0o005
"""Where root runs Calzion, apps are others; else they are whoever runs it."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """`program` is the real file, PREFIX/bin/python3.N, by which the installation is found at the same path inside."""

    program: Path

    @property
    def prefix(self) -> Path:
        return self.program.parent.parent

    def mounts(self) -> tuple[Mount, ...]:
        """What makes it available in a sandbox, which has /usr anyway."""
        if self.prefix.is_relative_to("/usr"):
            return ()
        return (Mount(source=self.prefix, target=str(self.prefix)),)


def find_installations(environ: Mapping[str, str], data: Path) -> tuple[Installation, ...]:
    """Every CPython 3 that builds may use, in a fixed order: system, pyenv, uv, Calzion's own downloads, PATH.

    Runs nothing. What holds the home directory of whoever runs Calzion, or `data`, or can't be read by apps, is left
    out.
    """
    home = Path(environ.get("HOME", "/nonexistent"))
    found: dict[Path, Installation] = {}
    for candidate in _candidates(environ, home, data):
        program = Path(os.path.realpath(candidate))
        if program not in found and _is_usable(program, (home, data)):
            found[program] = Installation(program=program)
    return tuple(found.values())


def python_mounts(slug: Path | None, environ: Mapping[str, str], data: Path) -> tuple[Mount, ...]:
    """What makes the interpreter available that a slug was built with.

    The slug, which nobody trusts, only chooses among the installations that are found now.
    """
    try:
        named = (slug / ENVIRONMENT / "bin/python").readlink() if slug else None
    except OSError:
        return ()
    if named is None or named.is_relative_to("/usr"):
        return ()
    found = (each for each in find_installations(environ, data) if each.program == named)
    return next((each.mounts() for each in found), ())


def find_downloads(data: Path) -> tuple[Installation, ...]:
    """Those that Calzion had uv download, which need nothing of this machine."""
    found = (Path(os.path.realpath(each)) for each in _below(downloads(data), _DOWNLOADED))
    return tuple(Installation(program=program) for program in found if _is_usable(program, ()))


def downloads(data: Path) -> Path:
    """Where Calzion has uv put the interpreters that it downloads."""
    return data / "pythons"


def _candidates(environ: Mapping[str, str], home: Path, data: Path) -> Iterator[str]:
    yield from _on_path(SYSTEM_PATH.split(":"))
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv")
    share = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    managed = Path(environ.get("UV_PYTHON_INSTALL_DIR") or share / "uv/python")
    for root, kind in (
        (pyenv / "versions", r"\d"),
        (managed, _DOWNLOADED),
        (downloads(data), _DOWNLOADED),
    ):
        yield from _below(root, kind)
    yield str(Path(sys.base_prefix) / f"bin/python3.{sys.version_info.minor}")
    yield from _on_path(environ.get("PATH", "").split(":"))


def _on_path(directories: Iterable[str]) -> Iterator[str]:
    for directory in directories:
        if directory.startswith("/"):
            yield from (path for name in _NAMES if os.path.lexists(path := f"{directory}/{name}"))


def _below(root: Path, kind: str) -> Iterator[str]:
    try:
        names = sorted(os.listdir(root))  # noqa: PTH208 (names are all that is needed)
    except OSError:
        return
    for name in names:
        if re.match(kind, name):
            yield f"{root}/{name}/bin/python3"


def _is_usable(program: Path, private: Iterable[Path]) -> bool:
    prefix = program.parent.parent
    if not re.fullmatch(r"python3\.\d+", program.name):
        return False
    if not prefix.is_relative_to("/usr") and any(path.is_relative_to(prefix) for path in private):
        return False
    try:
        modes = (prefix.stat().st_mode, program.stat().st_mode)
    except OSError:
        return False
    if os.geteuid() == 0 and not all(mode & _OPEN == _OPEN for mode in modes):
        return False
    return any((prefix / library / program.name / "os.py").is_file() for library in ("lib", "lib64"))
