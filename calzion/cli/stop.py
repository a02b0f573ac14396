"""`calzion stop`: ends the serve that runs for DATA, and on demand everything it left running."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.config import Settings
from calzion.errors import CalzionError
from calzion.supervisor.lock import holder

TIMEOUT = 90.0
"""Seconds; the parts have 20 each."""


@click.command()
@click.option(
    "--all", "everything", is_flag=True, help="also stop every deployment's processes, and the router"
)
@connection_options
@pass_invocation
def stop(invocation: Invocation, everything: bool) -> None:
    """End the running 'calzion serve', or the units of 'calzion install', until the machine or you start them again.

    Deployments go on serving, unless --all is given.
    """
    settings = invocation.settings()
    stopped = end_units(invocation, settings, everything)
    ended = end_serve(settings.layout.run / "serve.lock") or stopped
    if everything:
        if settings.data.exists():
            _stop_everything(invocation, settings.data)
        print("Calzion and every deployment's processes are stopped.")
    elif ended:
        print("Calzion is stopped; deployments go on serving ('calzion stop --all' stops them too).")
    else:
        print(
            f"Calzion is not running for {settings.data}; 'calzion stop --all' stops what serves deployments."
        )


def end_units(invocation: Invocation, settings: Settings, everything: bool) -> bool:
    """Have systemd stop the units that serve this data; False where there are none, or no systemd."""
    from calzion.systemd import manager
    from calzion.systemd.directory import installed_for

    root = invocation.uid == 0
    place = manager.unit_directory(root, invocation.environ)
    units = [path.name for path in installed_for(place, settings.data)]
    if not units or not manager.runs(root, invocation.environ):
        return False
    manager.run(manager.stopping(root, units, everything=everything), invocation.environ)
    return True


def _stop_everything(invocation: Invocation, data: Path) -> None:
    """With the settings of the units, where there are some: what they started was started with those."""
    from calzion.supervisor.temporary import host_running
    from calzion.systemd.kept import Given, kept_variables
    from calzion.wiring import stop_everything

    kept = kept_variables(data)
    given = Given(
        flags=invocation.flags, environ=invocation.environ, file=invocation.file, uid=invocation.uid
    )
    settings, _ = given.load(kept)
    environ = {**kept, **invocation.environ}
    with host_running(settings, environ):
        stop_everything(settings, environ)


def end_serve(lock: Path, timeout: float = TIMEOUT) -> bool:
    """End the supervisor that holds the lock and wait for it; False where none does."""
    try:
        pid = holder(lock)
        if pid is None:
            return False
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    except PermissionError as error:
        raise CalzionError(
            f"you may not use {lock}", code="refused", hint="run this as the user who runs 'calzion serve'"
        ) from error
    try:
        # The number may have gone to another process before it was opened: only the lock's holder is meant.
        if holder(lock) == pid:
            _terminate(pid, pidfd, timeout)
    finally:
        os.close(pidfd)
    return True


def _terminate(pid: int, pidfd: int, timeout: float) -> None:
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise CalzionError(
            f"you may not end process {pid}",
            code="refused",
            hint="run this as the user who runs 'calzion serve'",
        ) from error
    ended, _, _ = select.select([pidfd], [], [], timeout)
    if not ended:
        raise CalzionError(f"calzion serve (pid {pid}) did not end within {timeout:.0f} seconds")
