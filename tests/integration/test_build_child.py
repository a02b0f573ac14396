"""A child process as a build runs it."""

from __future__ import annotations

import os
from pathlib import Path

from calzion.build.child import run_child
from tests.integration.build_site import Cancel


def test_a_silent_child_is_said_to_run_still(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    heard: list[str] = []

    def told(line: str) -> None:
        heard.append(line)
        if line.startswith("still running") and len(heard) == 2:
            gate.write_text("go on\n")

    ending = run_child(
        ["/bin/sh", "-c", f"cat {gate}; exit 3"],
        {"PATH": "/usr/bin:/bin"},
        timeout=60,
        cancellation=Cancel(),
        told=told,
        quiet=0.05,
    )
    assert ending.status == 3
    assert heard[0].startswith("still running: nothing written for ")
    assert "go on" in heard
    assert ending.lines == ("go on",)
