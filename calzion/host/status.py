"""What bwrap reports about a sandbox, and what an exit code means."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from calzion.model import Exit


@dataclass(frozen=True, kw_only=True)
class Status:
    """`init` is the sandbox's first process as the machine numbers it, whose end ends all others in it."""

    init: int | None = None
    code: int | None = None

    @classmethod
    def read(cls, path: Path) -> Status:
        try:
            return cls.parse(path.read_text())
        except OSError:
            return cls()

    @classmethod
    def parse(cls, text: str) -> Status:
        """Read the JSON documents of `bwrap --json-status-fd`, one a line, the last maybe incomplete."""
        init = code = None
        for line in text.splitlines():
            try:
                document = json.loads(line)
            except ValueError:
                continue
            init = document.get("child-pid", init)
            code = document.get("exit-code", code)
        return cls(init=init, code=code)


def exit_of_code(code: int) -> Exit:
    """How a process ended by its exit code: 128 + n is the death by signal n, as shells and bwrap tell."""
    try:
        return Exit(signal=signal.Signals(code - 128).name)
    except ValueError:
        return Exit(status=code)


def exit_of_wait(status: int) -> Exit:
    """How a child ended, by what waitpid returned."""
    code = os.waitstatus_to_exitcode(status)
    return Exit(signal=signal.Signals(-code).name) if code < 0 else exit_of_code(code)
