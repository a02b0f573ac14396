"""A host daemon for as long as something has to be asked of it."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from calzion.backends.choice import PROCESS, chosen_backend
from calzion.config import Settings
from calzion.errors import CalzionError
from calzion.supervisor import lock, logfile
from calzion.supervisor.command import PART_VARIABLE, READY_VARIABLE, part_command, variables
from calzion.supervisor.part import Part

TIMEOUT = 60.0


@contextmanager
def host_running(settings: Settings, environ: Mapping[str, str]) -> Iterator[None]:
    """Have a host daemon run where there are instances that one left; it ends with what is done to it.

    Raises CalzionError where it can't be started.
    """
    layout = settings.layout
    theirs = chosen_backend(layout) != PROCESS or not _any(layout.instances)
    if theirs or lock.holder(layout.run / "host.lock"):
        yield
        return
    part = Part("host")
    log = logfile.open_log(layout.logs / "host.log")
    try:
        part.start(
            part_command("host", settings.data, True, environ),
            {**environ, **variables(settings), PART_VARIABLE: "host"},
            log,
            READY_VARIABLE,
        )
        _wait(part, layout.logs / "host.log")
        yield
    finally:
        os.close(log)
        if part.alive:
            # Ended on its own by now, or told to leave alone what it watches.
            part.signal(signal.SIGTERM)
            part.ended()


def _any(instances: Path) -> bool:
    return instances.is_dir() and any(not entry.name.startswith(".") for entry in instances.iterdir())


def _wait(part: Part, log: Path) -> None:
    while part.ready_fd >= 0:
        ready, _, _ = select.select([part.ready_fd], [], [], TIMEOUT)
        if not ready or (part.read_ready() and part.ready is None):
            raise CalzionError("the host daemon did not start", hint=f"its log is {log}")
