"""A server whose files no engine sees: its data directory is there in its own mount namespace alone."""

from __future__ import annotations

import os
import subprocess

from calzion.backends.docker.engine import Engine
from calzion.layout import Layout
from tests.containers import remove_traces
from tests.stories.site import DEADLINE, PROGRAM, Site

_HIDE = 'mount -t tmpfs tmpfs "$1" && shift && exec "$@"'


class HiddenSite(Site):
    """Root alone can have one. Commands that need the data directory enter the namespace."""

    def __init__(self) -> None:
        super().__init__("docker")
        self.data.mkdir(mode=0o700)

    def serve(self, command: list[str]) -> subprocess.Popen[str]:
        apart = ["unshare", "--mount", "--propagation=private", "sh", "-c", _HIDE, "sh", str(self.data)]
        return super().serve([*apart, *command])

    def close(self) -> None:
        seen = self.root / "seen"
        seen.mkdir()
        Layout(seen).installation.write_text(self.read("installation"))
        engine = Engine(Layout(seen), os.environ)
        installation = engine.filters()
        super().close()
        remove_traces(engine)
        for volume in engine.api.volumes(filters=installation)["Volumes"] or ():
            engine.api.remove_volume(volume["Name"])

    def calzion(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = self._inside(*PROGRAM, "--data", str(self.data), *arguments)
        return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)

    def read(self, name: str) -> str:
        """A file of DATA."""
        command = self._inside("cat", str(self.data / name))
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def _inside(self, *command: str) -> list[str]:
        assert self.server
        return ["nsenter", f"--mount=/proc/{self.server.pid}/ns/mnt", "--", *command]
