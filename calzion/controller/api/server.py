"""gunicorn, run in this process on the administrator's unix socket."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import falcon
from gunicorn.app.base import BaseApplication

THREADS = 128
"""A stream holds a thread for as long as its reader stays."""


class _Application(BaseApplication):  # type: ignore[misc]
    def __init__(self, make: Callable[[], falcon.App[Any, Any]], options: dict[str, Any]) -> None:
        self._make = make
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> falcon.App[Any, Any]:
        return self._make()


def serve(make: Callable[[], falcon.App[Any, Any]], socket: Path, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM. Only this machine's user can open the socket; `ready` is called when it answers."""
    options = {
        "bind": f"unix:{socket}",
        "umask": 0o177,
        "workers": 1,
        "worker_class": "gthread",
        "threads": THREADS,
        "timeout": 120,
        "graceful_timeout": 10,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "control_socket_disable": True,
        "post_worker_init": lambda _worker: ready(),
        "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,
    }
    _Application(make, options).run()
