"""Calzion as units of a systemd that really runs: installed, pushed to, restarted, upgraded, stopped, removed."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needed import needed
from tests.stories.apps import web
from tests.stories.booted import Booted, why_not
from tests.stories.site import PROGRAM, Repository, Site, eventually

UNITS = tuple(f"calzion-{part}.service" for part in ("host", "router", "reconciler", "controller", "sshd"))
TEMPLATE = "calzion/redis:\nweb:\n  git: .\n"


class UnitSite(Site):
    """A site whose server are units; every command runs beside them."""

    def __init__(self, machine: Booted) -> None:
        super().__init__()
        self.machine = machine

    def install(self, *flags: str) -> str:
        return self.machine.run(*PROGRAM, "install", "--data", str(self.data), *flags).stdout

    def calzion(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.machine.run(*PROGRAM, *arguments, "--data", str(self.data), check=False)


@pytest.fixture(scope="module")
def machine() -> Iterator[Booted]:
    needed(why_not())
    machine = Booted()
    yield machine
    machine.close()


@pytest.fixture(scope="module")
def site(machine: Booted) -> Iterator[UnitSite]:
    site = UnitSite(machine)
    try:
        addresses = ["--ssh", f"127.0.0.1:{site.ssh}", "--http", f"127.0.0.1:{site.http}"]
        site.install("--backend", "process", *addresses, "--drain-timeout", "2", "--start")
        added = site.calzion("keys", "add", "alice", str(site.root / "alice.pub"), "--allow", "*")
        assert added.returncode == 0, (added.stderr, machine.log())
        yield site
    finally:
        site.close()


@pytest.fixture(scope="module")
def repository(site: UnitSite) -> Repository:
    repository = site.repository("units", {**web("hello"), "template.yaml": TEMPLATE})
    push = repository.push("units")
    assert push.status == 0, push
    return repository


def main_pids(site: UnitSite) -> dict[str, str]:
    return {unit: site.machine.show(unit, "MainPID") for unit in UNITS}


def started_again(site: UnitSite, unit: str, before: str) -> bool:
    return (
        site.machine.show(unit, "MainPID") not in ("0", before)
        and site.machine.show(unit, "ActiveState") == "active"
    )


def haproxy(site: UnitSite) -> str:
    return (site.data / "run" / "router.json").read_text().split('"haproxy"')[1]


def running(site: UnitSite) -> set[tuple[str, int]]:
    """The instances, each with the number of its process."""
    rows = site.json("ps", "units")
    assert [row["state"] for row in rows] == ["running"] * 2, rows
    records = [json.loads(file.read_text()) for file in site.data.glob("instances/*/record.json")]
    return {(record["id"], record["pid"]) for record in records}


def serving_while(site: UnitSite, *command: str) -> list[int]:
    """The statuses of requests, one after the other, for as long as the command takes."""
    done = threading.Event()

    def act() -> None:
        try:
            site.machine.run(*command)
        finally:
            done.set()

    thread = threading.Thread(target=act)
    thread.start()
    statuses = []
    while not done.is_set():
        statuses.append(site.get("units")[0])
    thread.join()
    return statuses


def test_every_part_is_a_unit_that_is_up(site: UnitSite, repository: Repository) -> None:
    assert site.calzion("status").returncode == 0
    assert [site.machine.show(unit, "ActiveState") for unit in UNITS] == ["active"] * 5
    assert [site.machine.show(unit, "StatusText") for unit in UNITS][4].startswith("fingerprint SHA256:")
    assert site.get("units")[0] == 200


def test_what_faces_the_network_can_do_nothing_of_roots(site: UnitSite, repository: Repository) -> None:
    pid = site.machine.show("calzion-sshd.service", "MainPID")
    status = site.machine.run("cat", f"/proc/{pid}/status").stdout
    assert "CapEff:\t0000000000000000" in status and "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
    seen = site.machine.run("ls", f"/proc/{pid}/root{site.data}").stdout.split()
    assert set(seen) == {"backend", "repositories", "run", "ssh"}
    assert site.machine.run("ls", f"/proc/{pid}/root{site.data}/run").stdout.split() == ["push"]


def test_an_upgrade_is_no_outage_and_keeps_the_settings(site: UnitSite, repository: Repository) -> None:
    before, router, pids = running(site), haproxy(site), main_pids(site)
    upgrade = [*PROGRAM, "install", "--data", str(site.data), "--boot-timeout", "50", "--start"]
    assert set(serving_while(site, *upgrade)) == {200}
    assert running(site) == before and haproxy(site) == router
    assert not set(pids.values()) & set(main_pids(site).values())
    variables = (site.data / "units.env").read_text()
    assert f'CALZION_HTTP="127.0.0.1:{site.http}"' in variables and 'CALZION_BOOT_TIMEOUT="50"' in variables
    repository.commit({**web("after an upgrade"), "template.yaml": TEMPLATE})
    push = repository.push("units")
    assert push.status == 0, push
    assert "after an upgrade" in site.get("units")[1]


@pytest.mark.parametrize("killed", [UNITS[:1], UNITS[1:2], UNITS[2:]], ids=["host", "router", "others"])
def test_parts_that_are_killed_are_started_again_alone(
    site: UnitSite, repository: Repository, killed: tuple[str, ...]
) -> None:
    before, router, pids = running(site), haproxy(site), main_pids(site)
    site.machine.run("systemctl", "kill", "--signal=SIGKILL", "--kill-who=main", *killed)
    eventually(
        lambda: all(started_again(site, unit, pids[unit]) for unit in killed), "the next ones to start"
    )
    eventually(lambda: site.calzion("status").returncode == 0, "every part to answer")
    assert running(site) == before and haproxy(site) == router
    after = main_pids(site)
    assert {unit for unit in UNITS if after[unit] != pids[unit]} == set(killed)


def test_serve_is_refused_beside_the_units(site: UnitSite) -> None:
    refused = site.calzion("serve")
    assert refused.returncode == 1 and "runs already" in refused.stderr


def test_stop_leaves_deployments_serving(site: UnitSite, repository: Repository) -> None:
    assert "deployments go on serving" in site.calzion("stop").stdout
    assert [site.machine.show(unit, "ActiveState") for unit in UNITS] == ["active"] * 2 + ["inactive"] * 3
    assert site.get("units")[0] == 200


def test_uninstall_removes_the_units_and_nothing_else(site: UnitSite, repository: Repository) -> None:
    said = site.calzion("uninstall")
    assert said.returncode == 0, said.stderr
    assert site.machine.run("ls", "/etc/systemd/system").stdout.split() == []
    assert site.get("units")[0] == 200
    assert not (site.data / "units.env").exists() and (site.data / "calzion.db").exists()


def test_stop_all_ends_what_the_units_left(site: UnitSite, repository: Repository) -> None:
    assert site.processes()
    assert site.calzion("stop", "--all").returncode == 0
    assert site.processes() == [] and site.get("units")[0] == 0
    assert Path(site.data / "repositories").is_dir()
