"""The units that `calzion install` writes: what systemd says of them, and each part started as its unit says."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from configparser import RawConfigParser
from pathlib import Path

import pytest

from calzion.cli.main import run
from calzion.host import procfs
from calzion.model import InstanceState
from calzion.systemd.variables import parse
from tests.fakes.host import Host, eventually
from tests.needed import needed
from tests.stories.site import free_port

READ_BY_SYSTEMD = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
DEADLINE = 60.0

Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path / "data")
    host.kill()
    yield host
    host.close()


@pytest.fixture
def units(host: Host, tmp_path: Path) -> Path:
    """The units of an installation whose data are the host's."""
    addresses = ["--ssh", f"127.0.0.1:{free_port()}", "--http", f"127.0.0.1:{free_port()}"]
    data = host.layout.data
    environ = {"HOME": str(tmp_path), "CALZION_DATA": str(data)}
    (data / "backend").write_text("process\n")
    assert run(["install", "--dir", str(tmp_path / "units"), *addresses], environ) == 0
    return tmp_path / "units"


@pytest.fixture
def start(units: Path, tmp_path: Path) -> Iterator[Start]:
    """Does what systemd does: starts a unit's command and waits until it says that it is ready."""
    started: list[subprocess.Popen[bytes]] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(DEADLINE)

        def begin(part: str) -> subprocess.Popen[bytes]:
            started.append(begun(units / f"calzion-{part}.service", str(tmp_path / "notify")))
            assert manager.recv(1000).startswith(b"READY=1")
            return started[-1]

        yield begin
        for process in reversed(started):
            process.terminate()
            process.wait(DEADLINE)


def begun(unit: Path, notify: str) -> subprocess.Popen[bytes]:
    parser = RawConfigParser(strict=False, comment_prefixes=("#",), delimiters=("=",))
    parser.optionxform = str  # type: ignore[method-assign,assignment]  # options have capitals
    parser.read_string(unit.read_text())
    service = parser["Service"]
    name, _, value = service["Environment"].partition("=")
    environ = READ_BY_SYSTEMD | parse(Path(service["EnvironmentFile"]).read_text())
    return subprocess.Popen(
        shlex.split(service["ExecStart"].replace("%%", "%")),
        env=environ | {name: value, "NOTIFY_SOCKET": notify},
        stdin=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def test_systemd_finds_no_fault_with_the_units(units: Path) -> None:
    needed("" if shutil.which("systemd-analyze") else "systemd-analyze is not installed")
    system = [] if os.geteuid() == 0 else ["--user"]
    files = sorted(map(str, units.iterdir()))
    said = subprocess.run(
        ["systemd-analyze", *system, "verify", "--man=no", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_a_host_that_is_killed_and_started_again_adopts_what_runs(host: Host, start: Start) -> None:
    first = start("host")
    spec = host.spec("exec python3 serve.py")
    host.backend.ensure([spec])
    eventually(lambda: host.backend.endpoint(spec.id, spec.ports[""]))
    pid = host.instance(spec.id).pid
    assert pid is not None
    for number in (signal.SIGKILL, signal.SIGTERM):
        first.send_signal(number)
        first.wait(DEADLINE)
        assert procfs.start_time(pid) is not None
        first = start("host")
        adopted = host.instance(spec.id)
        assert (adopted.pid, adopted.state, adopted.needs_spec) == (pid, InstanceState.RUNNING, True)


def test_serve_tells_the_manager_of_a_unit_of_its_own(units: Path, host: Host, tmp_path: Path) -> None:
    environ = READ_BY_SYSTEMD | parse((host.layout.data / "units.env").read_text())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(DEADLINE)
        serve = subprocess.Popen(
            [sys.executable, "-m", "calzion", "serve", "--ephemeral"],
            env=environ | {"NOTIFY_SOCKET": str(tmp_path / "notify")},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert serve.stdout is not None
            line = serve.stdout.readline()
            assert manager.recv(1000).decode() == f"READY=1\nSTATUS={line.rstrip()}"
        finally:
            serve.terminate()
            serve.communicate(timeout=DEADLINE)


def test_every_part_starts_as_its_unit_says_and_tells_when_it_is_ready(start: Start) -> None:
    for part in ("host", "router", "reconciler", "controller", "sshd"):
        start(part)
