"""The host daemon: the process that keeps instances running and outlives whoever asks it to."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from calzion.errors import CalzionError
from calzion.host.fleet import Fleet
from calzion.host.logfile import rotate
from calzion.host.loop import Loop
from calzion.host.server import Server, listen
from calzion.host.start import Surroundings
from calzion.layout import Layout

_ROTATION_CHECK = 2.0  # seconds


def run_host(layout: Layout, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT, which leave the instances running, or until a client asks to shut down.

    Raises CalzionError (conflict) where another host daemon serves the same directory.
    """
    layout.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    layout.instances.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = _lock(layout.run / "host.lock")
    loop = Loop()
    _handle_signals(loop)
    server = Server(loop)
    around = Surroundings.look(loop, layout, server.notify, environ)
    _sweep_cgroups(around)
    fleet = Fleet(around)
    fleet.adopt()
    with listen(layout.host_socket) as listener:
        server.serve(listener, around, fleet)
        _keep_logs_short(around, fleet)
        loop.run()
        layout.host_socket.unlink(missing_ok=True)
    _sweep_cgroups(around)
    os.close(lock)


def _handle_signals(loop: Loop) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stop())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a parent that ignores it passes that on


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise CalzionError(f"a host daemon serves {path.parent.parent} already", code="conflict") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    return descriptor


def _sweep_cgroups(around: Surroundings) -> None:
    if around.facilities.cgroups:
        around.facilities.cgroups.sweep()


def _keep_logs_short(around: Surroundings, fleet: Fleet) -> None:
    for directory in fleet.logs():
        around.logs.look(directory)
        with contextlib.suppress(OSError):
            rotate(directory, time.time())
    around.loop.later(_ROTATION_CHECK, lambda: _keep_logs_short(around, fleet))
