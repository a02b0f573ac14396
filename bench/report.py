"""What a benchmark prints and leaves in bench/results: its figures, and under what they were measured."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import calzion

RESULTS = Path(__file__).parent / "results"

_PROGRAMS = {"git": ["--version"], "ssh": ["-V"], "haproxy": ["-v"]}


def report(name: str, figures: Mapping[str, Any]) -> None:
    """Print the figures, and write them to `bench/results/NAME.json`."""
    surroundings = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "calzion": calzion.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load": [round(each, 2) for each in os.getloadavg()],
        **{program: _version(program, arguments) for program, arguments in _PROGRAMS.items()},
    }
    for key, value in {**surroundings, **figures}.items():
        print(f"{key:<28} {json.dumps(value)}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(
        json.dumps({"surroundings": surroundings, "figures": figures}, indent=2)
    )


def _version(program: str, arguments: list[str]) -> str:
    if shutil.which(program) is None:
        return ""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).splitlines()[0]
