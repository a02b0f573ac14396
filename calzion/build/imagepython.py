"""Which Pythons there are for builds in containers: the image's own, and those that Calzion downloaded."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from calzion.backends.docker.engine import Engine
from calzion.build.engine import engine_errors
from calzion.build.interpreter import Interpreter
from calzion.build.interpreters import Looked
from calzion.errors import CalzionError
from calzion.host.pythons import find_downloads
from calzion.images.present import need

_PROBE = "import os, platform, sys; print(platform.python_version(), os.path.realpath(sys.executable))"


class ImageInterpreters:
    """Implements Interpreters. `program` is the image's Python; `data` is where downloads are."""

    def __init__(self, engine: Engine, data: Path, program: str) -> None:
        self._engine = engine
        self._data = data
        self._program = program
        self._looked = Looked()
        self._lock = threading.Lock()
        self._known: dict[str, Interpreter] = {}

    def available(self) -> tuple[Interpreter, ...]:
        """Raises CalzionError (unsupported, build) where the image can't be asked."""
        downloaded = (self._looked.at(each) for each in find_downloads(self._data))
        return (self.default(), *(interpreter for interpreter in downloaded if interpreter))

    def default(self) -> Interpreter:
        with self._lock, engine_errors():
            image = need(self._engine.api, "slugbuilder")
            if image not in self._known:
                self._known[image] = self._ask(image)
            return self._known[image]

    def _ask(self, image: str) -> Interpreter:
        api = self._engine.api
        made = api.create_container(
            image,
            entrypoint=[self._program],
            command=["-IS", "-c", _PROBE],
            labels=self._engine.labels(kind="build"),
            network_disabled=True,
        )
        try:
            api.start(made["Id"])
            api.wait(made["Id"])
            said = api.logs(made["Id"], stdout=True, stderr=True).decode("utf-8", "replace")
        finally:
            api.remove_container(made["Id"], force=True)
        match = re.match(r"(\d+\.\d+\.\d+) (/\S+)", said)
        if not match:
            raise CalzionError(
                f"the image slugbuilder has no {self._program} that works",
                hint="build it anew: calzion images build",
                code="build",
                detail=said.splitlines()[-5:],
            )
        return Interpreter(version=match[1], program=Path(match[2]))
