"""The Python that an app is built with: chosen among those of this machine. Pure but for looking at them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from calzion.build.pythonrequest import PythonRequest
from calzion.errors import CalzionError
from calzion.host.pythons import Installation
from calzion.host.sandbox import Mount

_VERSION_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """`version` has three numbers; `program` is at the same path in the sandbox, given `mounts`."""

    version: str
    program: Path
    mounts: tuple[Mount, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version.split("."))


@dataclass(frozen=True, kw_only=True)
class Choice:
    """`note` is what to tell of it, '' where the app got what it asked for."""

    interpreter: Interpreter
    note: str = ""


def choose(
    request: PythonRequest | None, available: Sequence[Interpreter], default: Interpreter | None
) -> Choice:
    """The interpreter for a request: the default where that is allowed, else the allowed one nearest to it.

    Among equals the first of `available` is taken, so that one more on the machine changes nothing. Raises
    CalzionError (build) that says what was asked for, where, and what there is.
    """
    if request is None:
        if default is None:
            raise _none_at_all()
        return Choice(interpreter=default)
    found = _nearest([each for each in available if request.allows(each.version)], default)
    if found:
        return Choice(interpreter=found)
    found = _nearest([each for each in available if request.bears(each.version)], default)
    if found:
        return Choice(
            interpreter=found,
            note=f"Python {request.text} ({request.place}) is not on this server: {found.version} is used instead",
        )
    raise missing(request, available)


def missing(request: PythonRequest, available: Iterable[Interpreter]) -> CalzionError:
    versions = sorted({each.numbers for each in available})
    there = _listed([".".join(map(str, version)) for version in versions])
    return CalzionError(
        f"Python {request.text}, which {request.place} asks for, is not on this server; there is {there}",
        hint="ask for one of these, or let the server's administrator install it "
        "('pyenv install', 'uv python install', or the setting python-downloads)",
        code="build",
    )


def look_at(installation: Installation) -> Interpreter | None:
    """Ask an installation for its version; None where it does not work."""
    try:
        done = subprocess.run(
            [installation.program, "-V"],
            capture_output=True,
            text=True,
            timeout=_VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"Python (\d+\.\d+\.\d+)", done.stdout)
    if not match:
        return None
    return Interpreter(version=match[1], program=installation.program, mounts=installation.mounts())


def identity(program: Path) -> tuple[str, int, int]:
    """Changes when what lies there is replaced. Raises OSError."""
    facts = program.stat()
    return str(program), facts.st_mtime_ns, facts.st_size


def _nearest(allowed: Sequence[Interpreter], default: Interpreter | None) -> Interpreter | None:
    if not allowed:
        return None
    if default in allowed:
        return default
    middle = default.numbers[1] if default else max(each.numbers[1] for each in allowed)
    return min(allowed, key=lambda each: (abs(each.numbers[1] - middle), -each.numbers[1], -each.numbers[2]))


def _listed(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words) or "none at all"
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _none_at_all() -> CalzionError:
    return CalzionError(
        "this server has no Python for apps",
        hint="let the server's administrator install one ('apt-get install python3'); see 'calzion doctor'",
        code="build",
    )
