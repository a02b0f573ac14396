"""A real host daemon for tests, and what they order of it."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from calzion.backends.process import ProcessBackend
from calzion.host.directory import remove_tree
from calzion.host.sandbox import BUILD_GID, BUILD_UID
from calzion.layout import Layout
from calzion.model import DeploymentName, Instance, RunSpec, ServiceName, Stop

ROOT = os.getuid() == 0
UID = 200_100
T = TypeVar("T")

SERVE = """
import os, socket
server = socket.create_server(("0.0.0.0", int(os.environ["PORT"])))
print("listening", flush=True)
while True:
    server.accept()[0].close()
"""
"""The program of the slug that listens on PORT."""


def eventually(look: Callable[[], T], timeout: float = 30.0) -> T:
    """What `look` returns once it is true."""
    deadline = time.monotonic() + timeout
    while not (found := look()):
        assert time.monotonic() < deadline, f"still {found!r}"
        time.sleep(0.02)
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def write_into_slug(slug: Path, name: str, text: str) -> None:
    """Add a file to a slug, owned as builds leave it."""
    path = slug / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)
    for written in (slug, path.parent, path):
        written.chmod(0o775)
        if ROOT:
            os.chown(written, BUILD_UID, BUILD_GID)


class Host:
    """A host daemon of its own, and a backend that talks to it."""

    def __init__(self, data: Path) -> None:
        if shutil.which("bwrap") is None:
            pytest.skip("needs bubblewrap")
        self.layout = Layout(data)
        self.slug = data / "slug"
        self.write("serve.py", SERVE)
        self.daemon = self._start()
        self.backend = ProcessBackend(self.layout, root=ROOT)
        self._numbers = itertools.count(1)

    def write(self, name: str, text: str) -> None:
        """Add a file to the slug."""
        write_into_slug(self.slug, name, text)

    def spec(self, command: str | tuple[str, ...], **given: Any) -> RunSpec:
        """An order with an id of its own."""
        port = given.pop("port", None) or free_port()
        values: dict[str, Any] = {
            "id": f"demo.web.{next(self._numbers)}",
            "deployment": DeploymentName("demo"),
            "service": ServiceName("web"),
            "process_type": "web",
            "release": 1,
            "command": command,
            "slug": self.slug,
            "ports": {"": port},
            "uid": UID,
            "stop": Stop(timeout=10),
        }
        values |= given
        values["env"] = {"PORT": str(port), **values.get("env", {})}
        return RunSpec(**values)

    def instance(self, id_: str) -> Instance:
        return next(one for one in self.backend.instances() if one.id == id_)

    def kill(self) -> None:
        """Kill the daemon as a crash would."""
        self.daemon.kill()
        self.daemon.wait()

    def start(self) -> None:
        self.daemon = self._start()

    def restart(self) -> None:
        self.kill()
        self.start()

    def close(self) -> None:
        if self.daemon.poll() is not None:
            self.start()
        self.backend.shut_down()
        self.daemon.wait()
        self.backend.close()
        remove_tree(self.layout.data)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "calzion.host", "--data", str(self.layout.data)])
