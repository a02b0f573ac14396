"""The Python that each build gets, where it is one of a Python app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calzion.build.committed import refuse_committed_environment
from calzion.build.detect import Read
from calzion.build.interpreter import Choice, choose
from calzion.build.interpreters import Interpreters
from calzion.build.pythondownload import PythonDownloads
from calzion.build.pythonrequest import PythonRequest, python_request
from calzion.errors import CalzionError
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
        }


class Pythons:
    """Chooses among `interpreters`; `downloads` where allowed."""

    def __init__(self, interpreters: Interpreters, downloads: PythonDownloads | None = None) -> None:
        self._interpreters = interpreters
        self._downloads = downloads

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
        return choose(request, self._interpreters.available(), self._interpreters.default())

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
