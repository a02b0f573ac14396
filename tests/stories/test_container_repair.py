"""Somebody meddles with what Calzion has in the engine: it comes back, or 'calzion status' says why it can't."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from calzion.backends.docker.engine import Engine
from calzion.layout import Layout
from tests.stories.apps import web
from tests.stories.site import Repository, Site, eventually

BACKENDS = ("docker",)
TEMPLATE = "calzion/redis:\nweb:\n  git: .\n  healthcheck: {grace: 20}\n"


@pytest.fixture(scope="module")
def shop(site: Site) -> Repository:
    repository = site.repository("shop", {**web("in stock"), "template.yaml": TEMPLATE})
    push = repository.push("shop")
    assert push.status == 0, push
    return repository


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def containers(site: Site, service: str) -> list[str]:
    return listed(site, service, "--all", "--quiet")


def listed(site: Site, service: str, *options: str) -> list[str]:
    installation = Engine(Layout(site.data), os.environ).installation
    labels = (f"label=calzion.{key}" for key in (f"installation={installation}", f"service={service}"))
    filters = (word for label in labels for word in ("--filter", label))
    return docker("ps", *options, *filters).splitlines()


def remove(container: str) -> None:
    docker("rm", "--force", container)


def stop(container: str) -> None:
    docker("stop", "--time", "1", container)


def freeze(container: str) -> None:
    docker("pause", container)


def cut_off(container: str) -> None:
    (network,) = docker(
        "inspect", "-f", "{{range $k, $v := .NetworkSettings.Networks}}{{$k}}{{end}}", container
    ).split()
    docker("network", "disconnect", "--force", network, container)


def kill(container: str) -> None:
    docker("kill", container)


@pytest.mark.parametrize("meddle", [remove, stop, freeze, cut_off, kill])
@pytest.mark.parametrize("service", ["web", "redis"])
def test_a_container_that_somebody_took_away(
    site: Site, shop: Repository, service: str, meddle: Callable[[str], None]
) -> None:
    (container,) = containers(site, service)
    meddle(container)
    eventually(lambda: serves(site), f"{service} to be there again")


def serves(site: Site) -> bool:
    rows = site.json("ps", "shop")
    known = [row["state"] for row in rows] == ["running", "running"]
    return known and whole(site, "web") and whole(site, "redis") and site.get("shop")[0] == 200


def whole(site: Site, service: str) -> bool:
    """Asks the engine: what Calzion lists may be older than the meddling."""
    found = [line.split() for line in listed(site, service, "--format", "{{.State}} {{.Networks}}")]
    return len(found) == 1 and found[0][0] == "running" and len(found[0]) == 2


def test_a_network_that_somebody_took_away(site: Site, shop: Repository) -> None:
    for service in ("web", "redis"):
        cut_off(*containers(site, service))
    installation = Engine(Layout(site.data), os.environ).installation
    subprocess.run(
        ["docker", "network", "rm", f"calzion.{installation}.shop"], check=False, capture_output=True
    )
    eventually(lambda: serves(site), "everything to be there again")


def test_rules_of_the_firewall_that_somebody_took_away(site: Site, shop: Repository) -> None:
    installation = Engine(Layout(site.data), os.environ).installation
    rules = subprocess.run(
        ["iptables", "-t", "nat", "-S", "PREROUTING"], capture_output=True, text=True, check=True
    )
    (mine,) = [line.split()[1:] for line in rules.stdout.splitlines() if f"cz{installation[:6]}+" in line]
    subprocess.run(["iptables", "-t", "nat", "-D", *mine], check=True)
    remove(*containers(site, "web"))
    eventually(lambda: serves(site), "the app to be there again")
    shell = ["calzion", "run", "--data", str(site.data), "shop:web", "--", "python3", "-c", ASK]
    answered = subprocess.run(
        [sys.executable, "-m", *shell], capture_output=True, text=True, timeout=60, check=False
    )
    assert "NOAUTH" in answered.stdout, answered


ASK = "import socket; s = socket.create_connection(('redis', 6379), 5); s.sendall(b'PING\\r\\n'); print(s.recv(99))"
