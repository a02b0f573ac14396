"""Parts that a service manager starts, beside what an earlier serve left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.sshd.ownership import hand_over
from calzion.supervisor import lock
from calzion.supervisor.takeover import take_over

OTHER = 54_321

HOLD = """
import sys, time
from pathlib import Path
from calzion.supervisor import lock
assert lock.acquire(Path(sys.argv[1])) is not None
print("held", flush=True)
time.sleep(600)
"""

Hold = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "run").mkdir()
    return Layout(tmp_path)


@pytest.fixture
def hold(layout: Layout) -> Iterator[Hold]:
    """Has a process hold a lock."""
    held: list[subprocess.Popen[str]] = []

    def start(name: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(layout.run / name)], stdout=subprocess.PIPE, text=True
        )
        held.append(process)
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        return process

    yield start
    for process in held:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("part", ["host", "router"])
def test_a_daemon_that_serve_left_makes_room(layout: Layout, hold: Hold, part: str) -> None:
    left = hold(f"{part}.lock")
    take_over(part, layout)
    assert left.wait(10) != 0
    assert lock.holder(layout.run / f"{part}.lock") is None


@pytest.mark.parametrize("part", ["host", "router", "reconciler"])
def test_beside_a_running_serve_a_part_refuses_to_start(layout: Layout, hold: Hold, part: str) -> None:
    serve, left = hold("serve.lock"), hold(f"{part}.lock")
    with pytest.raises(CalzionError, match=rf"calzion serve runs for .* \(pid {serve.pid}\)"):
        take_over(part, layout)
    assert left.poll() is None


def test_a_reconciler_keeps_serve_from_starting(layout: Layout) -> None:
    take_over("reconciler", layout)
    assert lock.holder(layout.run / "serve.lock") is not None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give something to another user")
def test_a_reconciler_takes_back_what_serve_gave_to_a_user_of_its_own(layout: Layout) -> None:
    for directory in layout.of_sshd:
        hand_over(directory, OTHER)
        (directory / "below").mkdir()
        hand_over(directory / "below", OTHER)
    take_over("reconciler", layout)
    owners = {path.stat().st_uid for each in layout.of_sshd for path in (each, each / "below")}
    assert owners == {0}
