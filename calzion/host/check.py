"""Running a command inside a running instance: joined to its namespaces, as its user."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

from calzion.host.facilities import Facilities
from calzion.host.launch import environment, run_arguments
from calzion.host.status import exit_of_code
from calzion.model import Command, Exit, RunSpec


def join_arguments(root: bool, init: int, uid: int, command: Command) -> list[str]:
    """The command line that runs a command in the namespaces of the process `init`."""
    user = [] if root else ["--user", "--preserve-credentials"]
    return [
        *("nsenter", "--target", str(init), *user, "--mount", "--pid", "--ipc", "--"),
        *run_arguments(root, uid, command),
    ]


class Check:
    """One such command. It is killed after the order's stop timeout."""

    def __init__(self, facilities: Facilities, init: int, uid: int, spec: RunSpec) -> None:
        self._process = subprocess.Popen(
            join_arguments(facilities.root, init, uid, spec.command),
            env=environment(spec, facilities.machine.path),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._timeout = spec.stop.timeout

    def wait(self) -> Exit:
        try:
            code = self._process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        return Exit(signal=signal.Signals(-code).name) if code < 0 else exit_of_code(code)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
