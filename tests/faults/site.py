"""A whole Calzion whose reconciler passes a tripwire, and the ways in which it dies."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from enum import Enum
from pathlib import Path

from tests.faults.running import Containers, Processes, Running, kill
from tests.faults.tripwire import VARIABLE, Control
from tests.stories.site import Site

ROOT = Path(__file__).resolve().parent.parent.parent
DISK = "64m"
CACHE = Path(tempfile.gettempdir()) / "calzion-tests-compiled"
"""Half of a start is the compiling of modules, where it is not kept."""


class Death(Enum):
    RECONCILER = "the reconciler"
    CALZION = "all of Calzion but the host daemon and the router"
    POWER = "all of Calzion and all that it runs"


class FaultySite(Site):
    """With `small_disk` its data is on a file system of its own, which takes root."""

    def __init__(self, backend: str = "process", *, small_disk: bool = False) -> None:
        super().__init__(backend)
        self.disk = self.root / "disk" if small_disk else None
        if self.disk:
            self.disk.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", self.disk], check=True)
            self.data = self.disk / "data"
        (self.root / "control").mkdir()
        self.control = Control(self.root / "control")
        self.running: Running = (Containers if backend == "docker" else Processes)(self.data)

    def start(self, *flags: str) -> None:
        assert not flags
        settings = {
            "CALZION_DATA": str(self.data),
            "CALZION_SSH": f"127.0.0.1:{self.ssh}",
            "CALZION_HTTP": f"127.0.0.1:{self.http}",
            "CALZION_BACKEND": self.backend,
            "CALZION_DRAIN_TIMEOUT": "2",
            VARIABLE: str(self.root / "control"),
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(CACHE),
        }
        self.server = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.serve"],
            env={**os.environ, **settings},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.server.stdout is not None
        line = self.server.stdout.readline()
        assert "ready" in line, line

    def close(self) -> None:
        try:
            super().close()
        finally:
            if self.disk:
                subprocess.run(["umount", "--lazy", self.disk], check=True)

    def die(self, death: Death) -> None:
        """All processes of this death end at once. What does not die starts again what did; `start` does otherwise."""
        assert self.server is not None
        pids = [self.pid("reconciler")]
        if death is not Death.RECONCILER:
            pids = [self.server.pid, *pids, self.pid("controller"), self.pid("sshd")]
        if death is Death.POWER:
            pids += map(self.pid, self.parts())
        for pid in pids:
            kill(pid)
        if death is not Death.RECONCILER:
            self.server.wait(10)
            assert self.server.stdout is not None
            self.server.stdout.close()
        if death is Death.POWER:
            self.running.kill()
