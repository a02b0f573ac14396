"""The supervisor over stand-in parts: small scripts that hold their lock, say that they are ready, and wait."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from calzion.layout import Layout
from calzion.supervisor.command import part_command
from calzion.supervisor.lock import holder
from calzion.supervisor.part import LONGEST_DELAY, delay

ROOT = Path(__file__).resolve().parents[3]
DEADLINE = 30.0

PART = """
import fcntl, json, os, signal, sys, time
name, data = sys.argv[1:3]
lock = os.open(f"{data}/run/{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(lock, fcntl.LOCK_EX)
os.ftruncate(lock, 0)
os.pwrite(lock, str(os.getpid()).encode(), 0)
if name == os.environ.get("BROKEN"):
    print(" !     the port is taken", file=sys.stderr)
    sys.exit(1)
def end(*_):
    with open(f"{data}/ended", "a") as ended:
        ended.write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if name == os.environ.get("STUBBORN") else end)
if os.environ.get("SILENT"):
    time.sleep(600)
os.write(int(os.environ["CALZION_READY_FD"]), json.dumps({"ready": True, "name": name}).encode() + b"\\n")
while True:
    time.sleep(60)
"""

SERVE = """
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.supervisor import supervisor
from calzion.supervisor.supervisor import Supervisor, stages
supervisor.STOP_TIMEOUT = 2.0
data = Path(sys.argv[1])
try:
    Supervisor(
        layout=Layout(data),
        command=lambda part: [sys.executable, str(data / "part.py"), part.name, str(data)],
        environ=dict(os.environ),
        say=lambda line: print(line, flush=True),
        stages=stages("process"),
    ).run(lambda said: "ready: " + " ".join(sorted(part["name"] for part in said.values() if part)))
except CalzionError as error:
    print("error:", error.message, error.detail, flush=True)
    sys.exit(1)
"""

NAMES = ("host", "router", "reconciler", "controller", "sshd")


class Serve:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.runs: list[subprocess.Popen[str]] = []
        for folder in (Layout(data).run, Layout(data).logs):
            folder.mkdir(parents=True)
        (data / "part.py").write_text(textwrap.dedent(PART))
        (data / "serve.py").write_text(SERVE.format(root=str(ROOT)))

    def start(self, **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(self.data / "serve.py"), str(self.data)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environ},
        )
        self.runs.append(process)
        return process

    def pid(self, name: str) -> int | None:
        return holder(self.data / "run" / f"{name}.lock")

    def record(self) -> dict[str, dict[str, object]]:
        parts: dict[str, dict[str, object]] = json.loads((self.data / "run" / "parts.json").read_text())[
            "parts"
        ]
        return parts

    def ended(self) -> list[str]:
        return (self.data / "ended").read_text().split() if (self.data / "ended").exists() else []

    def clean(self) -> None:
        for process in self.runs:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        for name in NAMES:
            if pid := self.pid(name):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    served = Serve(tmp_path)
    yield served
    served.clean()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().rstrip()


def eventually(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, "this did not become true"
        time.sleep(0.02)


def test_all_parts_start_and_one_line_says_so(serve: Serve) -> None:
    process = serve.start()
    assert line(process) == "ready: controller host reconciler router sshd"
    assert {name: part["state"] for name, part in serve.record().items()} == dict.fromkeys(NAMES, "up")


def test_sigterm_ends_its_own_in_order_and_leaves_host_and_router(serve: Serve) -> None:
    process = serve.start()
    line(process)
    kept = (serve.pid("host"), serve.pid("router"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE) == 0
    assert serve.ended() == ["sshd", "controller", "reconciler"]
    assert (serve.pid("host"), serve.pid("router")) == kept
    assert None not in kept


def test_host_and_router_of_an_earlier_serve_are_left_alone(serve: Serve) -> None:
    first = serve.start()
    line(first)
    kept = (serve.pid("host"), serve.pid("router"))
    first.send_signal(signal.SIGINT)
    first.wait(DEADLINE)
    assert line(serve.start()) == "ready: controller reconciler sshd"
    assert (serve.pid("host"), serve.pid("router")) == kept


def test_a_router_with_other_settings_is_replaced(serve: Serve) -> None:
    first = serve.start(CALZION_HTTP="127.0.0.1:8080")
    line(first)
    old = serve.pid("router")
    first.send_signal(signal.SIGTERM)
    first.wait(DEADLINE)
    second = serve.start(CALZION_HTTP="127.0.0.1:8081")
    assert line(second) == "the settings of router have changed: starting it again"
    assert line(second) == "ready: controller reconciler router sshd"
    assert serve.pid("router") not in (None, old)


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_part_is_started_again(serve: Serve, name: str) -> None:
    process = serve.start()
    line(process)
    old = serve.pid(name)
    assert old
    os.kill(old, signal.SIGKILL)
    assert line(process) == f" !     {name} is down (killed by SIGKILL): starting it again in 0.1 s"
    eventually(lambda: serve.pid(name) not in (None, old))
    eventually(lambda: serve.record()[name]["state"] == "up" and serve.record()[name]["restarts"] == 1)


def test_an_adopted_part_that_dies_is_started_again(serve: Serve) -> None:
    first = serve.start()
    line(first)
    first.send_signal(signal.SIGTERM)
    first.wait(DEADLINE)
    second = serve.start()
    line(second)
    old = serve.pid("host")
    assert old
    os.kill(old, signal.SIGKILL)
    eventually(lambda: serve.pid("host") not in (None, old))


def test_a_part_that_does_not_start_ends_serve_with_its_sentence(serve: Serve) -> None:
    process = serve.start(BROKEN="router")
    assert line(process) == "error: router did not start (exit code 1): ['the port is taken']"
    assert process.wait(DEADLINE) == 1
    assert all(serve.pid(name) is None for name in NAMES)


def test_a_part_that_ignores_sigterm_is_killed(serve: Serve) -> None:
    process = serve.start(STUBBORN="controller")
    line(process)
    process.send_signal(signal.SIGTERM)
    assert line(process) == " !     controller did not end: killing it"
    assert process.wait(DEADLINE) == 0
    assert serve.pid("controller") is None
    assert serve.ended() == ["sshd", "reconciler"]


def test_sigterm_while_starting_ends_what_was_started(serve: Serve) -> None:
    process = serve.start(SILENT="yes")
    eventually(lambda: serve.pid("host") and serve.pid("router"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE) == 0
    assert serve.record()["sshd"] == {"pid": None, "state": "down", "restarts": 0}
    assert not (serve.data / "logs" / "reconciler.log").exists(), "no further stage was started"


def test_a_part_of_ours_dies_with_a_killed_supervisor(tmp_path: Path) -> None:
    script = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    part = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    leash = part_command("sshd", tmp_path, outlives=False, environ=os.environ)
    leash = leash[: leash.index(sys.executable)]
    assert leash[1:] == ["--pdeathsig", "KILL"]
    command = [sys.executable, "-c", script, *leash, sys.executable, "-c", part]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervisor:
        child = os.pidfd_open(int(line(supervisor)))
        supervisor.kill()
        eventually(lambda: select.select([child], [], [], 0)[0])
        os.close(child)


def test_the_delay_doubles_up_to_its_limit() -> None:
    assert [delay(n) for n in range(1, 5)] == [0.1, 0.2, 0.4, 0.8]
    assert delay(1000) == LONGEST_DELAY
