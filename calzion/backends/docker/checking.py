"""A command inside a running container, with an end to it that nothing inside has to see to."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from calzion.backends.docker.engine import Engine
from calzion.backends.docker.inside import belongs
from calzion.backends.docker.observe import exit_of_code
from calzion.backends.docker.order import execution
from calzion.host import procfs
from calzion.model import Exit, RunSpec

_FIRST_LOOK, _LONGEST = 0.01, 0.2  # seconds between looks whether it has ended


def run_inside(engine: Engine, container: Mapping[str, Any], spec: RunSpec) -> Exit:
    """Run `spec.command` with the order's environment, and say how it ended: at its stop timeout by SIGKILL.

    Where the engine's processes can't be reached from here, one that does not end is only given up.
    """
    api = engine.api
    started = api.exec_create(
        container["Id"], execution(spec), user=container["Config"]["User"], environment=dict(spec.env)
    )
    api.exec_start(started["Id"], detach=True)
    deadline, pause = time.monotonic() + spec.stop.timeout, _FIRST_LOOK
    while (seen := api.exec_inspect(started["Id"]))["Running"] or seen["ExitCode"] is None:
        if time.monotonic() > deadline:
            _kill(engine, container["Id"], started["Id"], int(seen["Pid"] or 0))
            return Exit(signal="SIGKILL")
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST)
    return exit_of_code(seen["ExitCode"])


def _kill(engine: Engine, container: str, execution_id: str, pid: int) -> None:
    """The engine has no call for it. What has the same number on another machine than the engine's is left alone."""
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            # While the engine says that it runs, the process that was opened is its.
            seen = engine.api.exec_inspect(execution_id)
            if seen["Running"] and seen["Pid"] == pid and belongs(pid, container):
                others = procfs.descendants(pid)
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                for other in others:
                    with contextlib.suppress(OSError):
                        os.kill(other, signal.SIGKILL)
        finally:
            os.close(handle)
