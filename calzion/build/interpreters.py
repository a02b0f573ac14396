"""Which Pythons there are for builds, where builds run on what this machine has."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from calzion.build.interpreter import Interpreter, identity, look_at
from calzion.host.pythons import Installation, find_installations


class Interpreters(Protocol):
    def available(self) -> tuple[Interpreter, ...]:
        """All that builds may use, in a fixed order."""

    def default(self) -> Interpreter | None:
        """What `python3` means in a build."""


class Looked:
    """Remembers what was looked at, for as long as it lies there unchanged."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], Interpreter | None] = {}

    def at(self, installation: Installation) -> Interpreter | None:
        try:
            key = identity(installation.program)
        except OSError:
            return None
        if key not in self._known:
            self._known[key] = look_at(installation)
        return self._known[key]


class MachineInterpreters:
    """`environ` is the server's, `path` the PATH of builds, on which the default is found.

    Looks at the machine anew each time: what is installed while the server runs counts for the next push.
    """

    def __init__(self, environ: Mapping[str, str], data: Path, path: str) -> None:
        self._environ = environ
        self._data = data
        self._path = path
        self._looked = Looked()

    def available(self) -> tuple[Interpreter, ...]:
        found = (self._looked.at(each) for each in find_installations(self._environ, self._data))
        return tuple(interpreter for interpreter in found if interpreter)

    def default(self) -> Interpreter | None:
        program = shutil.which("python3", path=self._path)
        return self._looked.at(Installation(program=Path(program).resolve())) if program else None
