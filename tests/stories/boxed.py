"""A Calzion in containers for push stories, started from the compose.yaml that users get."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from calzion.images.recipe import recipe
from tests.stories.composed import Composed
from tests.stories.site import DEADLINE, Site, eventually

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "examples/server/compose.yaml"
_PAUSE = 0.01  # seconds between requests, so that what is tested gets its share of the machine


def build_image(tag: str) -> None:
    """On Calzion's own stack, which is a Debian, too, and there without a registry."""
    command = [ROOT / "script/image", tag, "--build-arg", f"BASE={recipe('stack').tag}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


class BoxedSite(Site):
    """`calzion` runs the command as an administrator does: in the container."""

    def __init__(self, image: str) -> None:
        super().__init__("docker")
        variables = {
            "CALZION_IMAGE": image,
            "CALZION_HTTP_PORT": str(self.http),
            "CALZION_SSH_PORT": str(self.ssh),
        }
        self.composed = Composed(COMPOSE, self.root.name, variables)
        self._label = ""

    def start(self, *flags: str) -> None:
        assert not flags
        self.composed.up()
        self.wait_until_up()
        self._label = f"calzion.installation={self.read('installation').strip()}"
        self._let_push("alice")

    def wait_until_up(self) -> None:
        eventually(lambda: self.calzion("status").returncode == 0, "every part to be up")

    def stop(self) -> None:
        """As its users end it. What that keeps is removed besides."""
        for service in ("sshd", "calzion"):
            self.composed.remove(service)
        status, output = self.composed.run("calzion", "stop", "--all")
        left = self._instances()
        self._remove_kept()
        self.composed.down()
        assert status == 0, output
        assert not left

    def _instances(self) -> list[Any]:
        if not self._label:
            return []
        labels = [self._label, "calzion.instance"]
        return list(self.composed.api.containers(all=True, filters={"label": labels}))

    def _remove_kept(self) -> None:
        if not self._label:
            return
        api, filters = self.composed.api, {"label": self._label}
        for container in api.containers(all=True, filters=filters):
            api.remove_container(container["Id"], force=True)
        for network in api.networks(filters=filters):
            api.remove_network(network["Id"])
        for volume in api.volumes(filters=filters)["Volumes"]:
            api.remove_volume(volume["Name"])

    def calzion(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = self._inside("calzion", *arguments)
        return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)

    def read(self, name: str) -> str:
        """A file of DATA."""
        command = self._inside("cat", f"/var/lib/calzion/{name}")
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def gateway(self, deployment: str) -> str:
        """Where the machine is for the containers of a deployment."""
        labels = [self._label, f"calzion.deployment={deployment}"]
        (network,) = self.composed.api.networks(filters={"label": labels})
        return str(next(ip_network(network["IPAM"]["Config"][0]["Subnet"]).hosts()))

    def _let_push(self, user: str) -> None:
        key = (self.root / f"{user}.pub").read_text()
        subprocess.run(
            self._inside("calzion", "keys", "add", user, "-", "--allow", "*"),
            input=key,
            text=True,
            check=True,
        )

    def _inside(self, *words: str) -> list[str]:
        return ["docker", "exec", "--interactive", self.composed.container("calzion"), *words]


@dataclass
class Answers:
    good: int = 0
    failed: list[tuple[int, str]] = field(default_factory=list)


@contextmanager
def load(site: Site, deployment: str) -> Iterator[Answers]:
    """Requests from two clients while the block runs."""
    answers, ended = Answers(), threading.Event()

    def ask() -> None:
        while not ended.wait(_PAUSE):
            status, text = site.get(deployment)
            if status == 200:
                answers.good += 1
            else:
                answers.failed.append((status, text))

    clients = [threading.Thread(target=ask) for _ in range(2)]
    for client in clients:
        client.start()
    try:
        yield answers
    finally:
        ended.set()
        for client in clients:
            client.join()
