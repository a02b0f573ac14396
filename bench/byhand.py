"""One service started without Calzion's control plane: its slug in its sandbox, and nothing around it."""

from __future__ import annotations

import os
import signal
import socket
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from calzion.host.directory import InstanceDirectory
from calzion.host.loop import Loop
from calzion.host.start import Surroundings, start
from calzion.host.status import Status
from calzion.layout import Layout
from calzion.model import DeploymentName, RunSpec, ServiceName
from tests.stories.site import free_port

_PAUSE = 0.001
PATIENCE = 30.0


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """`slug` is what is started by `command`; `root` is a scratch directory."""

    around: Surroundings
    slug: Path
    command: str

    @classmethod
    def prepare(cls, root: Path, slug: Path, command: str) -> ByHand:
        layout = Layout(root)
        layout.instances.mkdir(parents=True, exist_ok=True)
        around = Surroundings.look(Loop(), layout, lambda: None, os.environ)
        return cls(around=around, slug=slug, command=command)

    def seconds(self) -> float:
        """From the order to start its processes to the first 200."""
        port, id_ = free_port(), uuid.uuid4().hex[:16]
        spec = RunSpec(
            id=id_,
            deployment=DeploymentName("byhand"),
            service=ServiceName("web"),
            process_type="web",
            release=1,
            command=self.command,
            slug=self.slug,
            env={"PORT": str(port)},
            ports={"PORT": port},
            uid=200_000,
        )
        directory = InstanceDirectory(self.around.layout.instances / id_)
        began = time.monotonic()
        record = start(self.around, spec, directory, restarts=0, task=False)
        _await_answer(port)
        took = time.monotonic() - began
        init = Status.read(directory.status).init
        assert init is not None
        os.kill(init, signal.SIGKILL)
        os.waitpid(record.pid, 0)
        return took


def _await_answer(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _answers(port):
        assert time.monotonic() < deadline, "it never answered"
        time.sleep(_PAUSE)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(1 << 16).startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))
    except OSError:
        return False
