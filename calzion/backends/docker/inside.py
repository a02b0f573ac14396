"""What goes on inside a container, from the /proc of the machine that runs it."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from calzion.host import procfs
from calzion.host.sockets import Listener, listeners_of
from calzion.model import Endpoint

_EVERYWHERE = ("0.0.0.0", "::")
_RESOLVER = "127.0.0.11"
_CONNECT = 0.5  # seconds


@dataclass(frozen=True)
class Inside:
    """`pid` is the first process of the `container`, None where there is none.

    Where the engine runs elsewhere, or Calzion has a /proc of its own, only connections can be tried.
    """

    pid: int | None
    container: str

    def listeners(self) -> list[Listener]:
        """Its listening sockets: those of its network namespace, but for the engine's resolver of names."""
        found = listeners_of(Path(f"/proc/{self.pid}")) if self.visible else []
        return [one for one in found if one.host != _RESOLVER]

    def endpoint(self, address: str, port: int) -> Endpoint | None:
        """Where a port is open to others; one that listens on 127.0.0.1 alone is not."""
        if not address:
            return None
        if self.visible:
            hosts = {one.host for one in self.listeners() if one.port == port}
            return Endpoint(address, port) if hosts & {*_EVERYWHERE, address} else None
        return Endpoint(address, port) if self.pid and _accepts(address, port) else None

    def rests(self) -> bool:
        """Whether none of its processes has anything to do; where that can't be seen, it is taken to rest."""
        if self.pid is None:
            return False
        return not self.visible or all(procfs.rests(pid) for pid in procfs.descendants(self.pid))

    def memory(self) -> int:
        """Bytes that its processes hold for themselves; 0 where that can't be seen."""
        return procfs.memory(procfs.descendants(self.pid)) if self.pid and self.visible else 0

    @property
    def visible(self) -> bool:
        return self.pid is not None and belongs(self.pid, self.container)


def belongs(pid: int, container: str) -> bool:
    """Whether a process of this machine is the container's, and no other that has its number here.

    Engines name control groups for their containers (cgroups(7)).
    """
    try:
        return container in Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False


def _accepts(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=_CONNECT).close()
    except OSError:
        return False
    return True
