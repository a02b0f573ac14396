"""A Docker Engine of a test's own, which can be killed and filled: the machine's serves others."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tests.fakes.host import eventually
from tests.faults.tripwire import fill, free

DISK = "1g"
BRIDGE_ADDRESS = "10.251.255.1/24"
PATIENCE = 30.0


class OwnEngine:
    """Its disk is a tmpfs, which takes root. It leaves the machine's firewall alone.

    Its default network has a bridge of its own: without one, an engine removes docker0, which is another's.
    """

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="cze"))
        self._disk = self.root / "disk"
        self._disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", self._disk], check=True)
        (self._disk / "data").mkdir()
        self._bridge = self.root.name
        subprocess.run(["ip", "link", "add", self._bridge, "type", "bridge"], check=True)
        subprocess.run(["ip", "address", "add", BRIDGE_ADDRESS, "dev", self._bridge], check=True)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "DOCKER_HOST": f"unix://{self.root}/socket"}

    def start(self, *flags: str) -> None:
        own = {
            "--data-root": self._disk / "data",
            "--exec-root": self.root / "run",
            "--pidfile": self.root / "pid",
            "--host": self.environ["DOCKER_HOST"],
            "--bridge": self._bridge,
        }
        words = [f"{name}={value}" for name, value in own.items()]
        with (self.root / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["dockerd", "--iptables=false", *words, *flags],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self._answers, PATIENCE)

    def load(self, image: str) -> None:
        """Have an image of the machine's engine."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
            subprocess.run(
                ["docker", "load", "--quiet"],
                stdin=saved.stdout,
                env=self.environ,
                check=True,
                stdout=subprocess.DEVNULL,
            )

    def kill(self) -> None:
        """Its containerd dies with it, a moment later; the next one would wait for that in vain."""
        companion = Path("/proc") / (self.root / "run" / "containerd" / "containerd.pid").read_text().strip()
        self._end(signal.SIGKILL)
        eventually(lambda: not companion.exists(), PATIENCE)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def fill(self) -> None:
        fill(self._disk / "data")

    def free(self) -> None:
        free(self._disk / "data")

    def close(self) -> None:
        if self._process and self._process.poll() is None:
            prune = ["docker", "network", "prune", "--force"]
            subprocess.run(prune, env=self.environ, check=True, stdout=subprocess.DEVNULL)
            self.stop()
        subprocess.run(["ip", "link", "delete", self._bridge], check=True)
        subprocess.run(["umount", "--lazy", self._disk], check=True)
        shutil.rmtree(self.root)

    def _end(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)
        self._process.wait(PATIENCE)

    def _answers(self) -> bool:
        assert self._process and self._process.poll() is None, (self.root / "log").read_text()[-4000:]
        return not subprocess.run(
            ["docker", "version"], env=self.environ, capture_output=True, check=False
        ).returncode
