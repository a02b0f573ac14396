"""How a part that a service manager starts comes to be the only one of its data directory."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress

from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.sshd.ownership import hand_over
from calzion.supervisor import lock

TIMEOUT = 20.0

_LEAVING = {"host": signal.SIGTERM, "router": signal.SIGKILL}
"""What ends a daemon that an earlier 'calzion serve' left, and nothing that it has started."""


def take_over(part: str, layout: Layout) -> None:
    """Make room for `part`, whose successor then adopts what it finds running.

    Raises CalzionError (conflict) where 'calzion serve' runs for the same directory. A reconciler keeps it from
    being started from now on: it takes the lock that only one of them can have, until its process ends. And what an
    earlier 'calzion serve' gave to a user of its own is ours again: here the manager confines sshd, as our user.
    """
    if part in _LEAVING and (pid := lock.holder(layout.run / f"{part}.lock")):
        _refuse_beside_serve(layout)
        _end(pid, layout, part)
    if part == "reconciler":
        if lock.acquire(layout.run / "serve.lock") is None:
            _refuse_beside_serve(layout)
        for directory in layout.of_sshd:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            hand_over(directory.resolve(), os.geteuid())


def _refuse_beside_serve(layout: Layout) -> None:
    if pid := lock.holder(layout.run / "serve.lock"):
        raise CalzionError(
            f"calzion serve runs for {layout.data} (pid {pid})",
            code="conflict",
            hint=f"end it with 'calzion stop --data {layout.data}'",
        )


def _end(pid: int, layout: Layout, part: str) -> None:
    with suppress(ProcessLookupError):
        pidfd = os.pidfd_open(pid)
        try:
            # The number may belong to another process by now: only the lock's holder is meant.
            if lock.holder(layout.run / f"{part}.lock") == pid:
                signal.pidfd_send_signal(pidfd, _LEAVING[part])
                select.select([pidfd], [], [], TIMEOUT)
        finally:
            os.close(pidfd)
