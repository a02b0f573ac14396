"""Tells the service manager that started this process how it is (sd_notify(3))."""

from __future__ import annotations

import socket
from collections.abc import Callable, MutableMapping
from contextlib import suppress

VARIABLE = "NOTIFY_SOCKET"


def notifier(environ: MutableMapping[str, str]) -> Callable[[str], None]:
    """What sends lines such as READY=1 to the manager; it does nothing where there is none that listens.

    It is connected at once: a part that confines itself reaches no path of the manager's afterwards. The variable is
    taken out of `environ`: what this process starts has nothing to tell in its name.
    """
    address = environ.pop(VARIABLE, "")
    if not address.startswith(("/", "@")):
        return lambda _: None
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    # A manager that does not listen is no reason to fail. `@` stands for the NUL of an abstract address.
    with suppress(OSError):
        manager.connect(address.replace("@", "\0", 1) if address[0] == "@" else address)

    def notify(lines: str) -> None:
        with suppress(OSError):
            manager.send(lines.encode())

    return notify
