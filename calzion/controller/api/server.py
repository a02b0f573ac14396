"""gunicorn, run in this process on the administrator's unix socket and, behind the gate, on TCP."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from calzion.controller.api.door import SETTLED
from calzion.controller.api.gate import Gate
from calzion.controller.api.guests import Guests

Wsgi = Callable[[dict[str, Any], Any], Any]

THREADS = 128
"""A stream holds a thread for as long as its reader stays."""


def by_socket(local: Wsgi, tokens: Wsgi, guests: Guests) -> Wsgi:
    """`local` answers on the unix socket, `tokens` everywhere else."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        connection: socket.socket = environ["gunicorn.socket"]
        if connection.family == socket.AF_UNIX:
            return local(environ, start_response)
        environ[SETTLED] = partial(guests.settle, connection)
        return tokens(environ, start_response)

    return application


class _Application(BaseApplication):  # type: ignore[misc]
    def __init__(self, make: Callable[[], Wsgi], options: dict[str, Any]) -> None:
        self._make = make
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Wsgi:
        return self._make()


def serve(make: Callable[[], Wsgi], path: Path, gate: Gate, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM; `ready` is called when it answers. Only this machine's user can open the socket."""

    def initialized(worker: Any) -> None:
        gate.attach(worker)
        ready()

    options = {
        "bind": f"unix:{path}",
        "umask": 0o177,
        "workers": 1,
        "worker_class": "gthread",
        "threads": THREADS,
        "timeout": 120,
        "graceful_timeout": 10,
        # The line holds the path, and no query of ours is long; a token is some 100 bytes.
        "limit_request_line": 4094,
        "limit_request_fields": 50,
        "limit_request_field_size": 4094,
        # Nobody in front of us may say from where a request comes.
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        "accesslog": None,
        "errorlog": "-",
        # Its warnings about malformed requests quote them, and what is quoted may be a token.
        "loglevel": "error",
        "control_socket_disable": True,
        "post_worker_init": initialized,
        "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,
    }
    _Application(make, options).run()
