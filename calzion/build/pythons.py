"""The interpreters of this machine, as builds of Python apps get them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from calzion.build.committed import refuse_committed_environment
from calzion.build.detect import Read
from calzion.build.fetch import INTERPRETER
from calzion.build.interpreter import Choice, Interpreter, choose, identity, look_at
from calzion.build.pythondownload import PythonDownloads
from calzion.build.pythonrequest import PythonRequest, python_request
from calzion.errors import CalzionError
from calzion.host.pythons import Installation, find_installations
from calzion.host.sandbox import Mount

BUILDPACK = "python"


@dataclass(frozen=True, kw_only=True)
class PythonBuild:
    """What a build of a Python app stands on, beside the stack."""

    choice: Choice

    @property
    def identity(self) -> tuple[str, str]:
        """Changes when the app has to be built anew."""
        return self.choice.interpreter.version, str(self.choice.interpreter.program)

    @property
    def mounts(self) -> tuple[Mount, ...]:
        return self.choice.interpreter.mounts

    @property
    def variables(self) -> Mapping[str, str]:
        return {
            "CALZION_PYTHON": str(self.choice.interpreter.program),
            "CALZION_PYTHON_VERSION": self.choice.interpreter.version,
            "CALZION_TOOL_PYTHON": INTERPRETER,
        }


class Pythons:
    """`environ` is the server's, `path` the PATH of builds, on which the default is found. `downloads` where allowed.

    Looks at the machine anew each time: what is installed while the server runs counts for the next push.
    """

    def __init__(
        self, environ: Mapping[str, str], data: Path, path: str, downloads: PythonDownloads | None = None
    ) -> None:
        self._downloads = downloads
        self._environ = environ
        self._data = data
        self._path = path
        self._known: dict[tuple[str, int, int], Interpreter | None] = {}

    def decide(self, buildpacks: tuple[str, ...], names: tuple[str, ...], read: Read) -> PythonBuild | None:
        """The interpreter for a source, None where it is no Python app. Raises CalzionError (build)."""
        if BUILDPACK not in buildpacks:
            return None
        refuse_committed_environment(names, read)
        return PythonBuild(choice=self._choose(python_request(names, read)))

    def foresee(
        self, buildpacks: tuple[str, ...], names: tuple[str, ...], read: Read
    ) -> tuple[str, str] | None:
        """The identity of what `decide` would choose, without a download: of one, it names the wish."""
        if BUILDPACK not in buildpacks:
            return None
        refuse_committed_environment(names, read)
        request = python_request(names, read)
        try:
            return PythonBuild(choice=self._choose_here(request)).identity
        except CalzionError:
            if request is None or self._downloads is None:
                raise
            return "to be downloaded", request.text

    def _choose_here(self, request: PythonRequest | None) -> Choice:
        return choose(request, self.available(), self.default())

    def _choose(self, request: PythonRequest | None) -> Choice:
        try:
            return self._choose_here(request)
        except CalzionError as error:
            if request is None or self._downloads is None:
                raise
            why = self._downloads.fetch(str(request.wanted[0]))
            if why:
                raise CalzionError(
                    f"{error.message}; it could not be downloaded: {why}", hint=error.hint, code=error.code
                ) from error
        return self._choose_here(request)

    def available(self) -> tuple[Interpreter, ...]:
        found = (self._look(each) for each in find_installations(self._environ, self._data))
        return tuple(interpreter for interpreter in found if interpreter)

    def default(self) -> Interpreter | None:
        """What `python3` means in a build."""
        program = shutil.which("python3", path=self._path)
        return self._look(Installation(program=Path(program).resolve())) if program else None

    def _look(self, installation: Installation) -> Interpreter | None:
        try:
            key = identity(installation.program)
        except OSError:
            return None
        if key not in self._known:
            self._known[key] = look_at(installation)
        return self._known[key]
