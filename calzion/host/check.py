"""Running a command inside a running instance: joined to its namespaces, as its user."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
from pathlib import Path

from calzion.host.facilities import Facilities
from calzion.host.launch import environment, run_arguments
from calzion.host.status import exit_of_code
from calzion.model import Command, Exit, RunSpec

_NS_GET_USERNS = 0xB701
"""ioctl_ns(2): the user namespace that owns a namespace."""


def join_arguments(init: int, uid: int, command: Command, *, owner: int | None) -> list[str]:
    """The command line that runs a command in the namespaces of the process `init`.

    Without root, `owner` is a descriptor of the user namespace that owns them: bwrap's outer one, which has to be
    joined before them; the sandbox's own, below it, is joined from inside.
    """
    rest = ["--mount", "--pid", "--ipc", "--"]
    enter = ["nsenter", "--target", str(init)]
    if owner is None:
        return [*enter, *rest, *run_arguments(True, uid, command)]
    keep = "--preserve-credentials"
    inside = [
        "/usr/bin/nsenter",
        "--target",
        "1",
        "--user",
        keep,
        "--",
        "/usr/bin/setpriv",
        "--no-new-privs",
        "--",
    ]
    return [
        *enter,
        *(f"--user=/proc/self/fd/{owner}", keep, *rest),
        *(*inside, *run_arguments(False, uid, command)),
    ]


class Check:
    """One such command, started. It is killed after the order's stop timeout. Raises OSError."""

    def __init__(self, facilities: Facilities, init: int, uid: int, spec: RunSpec) -> None:
        owner = None if facilities.root else _owner(init)
        try:
            self._process = subprocess.Popen(
                join_arguments(init, uid, spec.command, owner=owner),
                env=environment(spec, facilities.machine.path),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=() if owner is None else (owner,),
                start_new_session=True,
            )
        finally:
            if owner is not None:
                os.close(owner)
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


def _owner(init: int) -> int:
    namespace = os.open(Path("/proc") / str(init) / "ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return fcntl.ioctl(namespace, _NS_GET_USERNS)
    finally:
        os.close(namespace)
