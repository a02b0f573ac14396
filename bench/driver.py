"""The load as the program that deploys sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent


class Driver:
    """Runs the load in a process of its own while the `with` lasts; afterwards `counts` are there."""

    def __init__(self, port: int, host: str) -> None:
        self._command = [sys.executable, "-m", "bench.load", str(port), host]
        self.counts: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        output, _ = self._process.communicate("stop\n" if kind is None else None, timeout=60)
        if kind is None:
            self.counts = json.loads(output.splitlines()[-1])

    def mark(self, *, busy: bool) -> None:
        """Requests count from now on as made while something is deployed, or while nothing is."""
        self._tell("busy" if busy else "quiet")

    def open_streams(self) -> tuple[int, int]:
        """How many of the streams that were opened at the last call still carry data, and how many there were."""
        self._tell("streams")
        assert self._process.stdout is not None
        answer = json.loads(self._process.stdout.readline())
        return answer["open"], answer["of"]

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
