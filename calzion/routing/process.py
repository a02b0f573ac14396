"""HAProxy as a process: started by this daemon, or adopted from an earlier one that was killed."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from calzion.routing.configuration import CONFIGURATION


@dataclass(frozen=True, kw_only=True)
class ProcessIdentity:
    """One process for ever: a pid is used again, but never with the same start (clock ticks) in one boot."""

    pid: int
    start: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """The process that has this pid now; None where there is none, or only a zombie."""
        try:
            text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            return None
        fields = text.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else cls(pid=pid, start=int(fields[19]), boot=_boot())

    @property
    def alive(self) -> bool:
        return self.of(self.pid) == self


class HaproxyProcess:
    """A running HAProxy. `fileno` is readable once it has ended, so it can be polled."""

    def __init__(self, identity: ProcessIdentity, child: subprocess.Popen[bytes] | None = None) -> None:
        """Raises ProcessLookupError where an adopted process has ended meanwhile."""
        self.identity = identity
        self._child = child
        self._descriptor = os.pidfd_open(identity.pid)
        if child is None and not identity.alive:
            self.close()
            raise ProcessLookupError(identity.pid)

    def fileno(self) -> int:
        return self._descriptor

    def ended(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for its end."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(timeout * 1000))

    def end(self, grace: float) -> None:
        """Let open requests finish for up to `grace` seconds, then kill."""
        self._signal(signal.SIGUSR1)
        if not self.ended(grace):
            self._signal(signal.SIGKILL)
            self.ended(10)
        self.close()

    def close(self) -> None:
        """Forget a process that has ended."""
        os.close(self._descriptor)
        if self._child:
            self._child.wait()

    def _signal(self, number: int) -> None:
        try:
            signal.pidfd_send_signal(self._descriptor, number)
        except ProcessLookupError:
            return


def start_haproxy(program: str, directory: Path, descriptors: Collection[int]) -> HaproxyProcess:
    """Start it on the configuration in `directory`. It outlives this process, silently: see `complaint`."""
    child = subprocess.Popen(
        [program, "-q", "-f", CONFIGURATION],
        cwd=directory,
        env={},
        stdin=subprocess.DEVNULL,
        pass_fds=descriptors,
        start_new_session=True,
    )
    identity = ProcessIdentity.of(child.pid) or ProcessIdentity(pid=child.pid, start=0, boot="")
    return HaproxyProcess(identity, child)


def complaint(program: str, directory: Path, descriptors: Collection[int]) -> str:
    """What HAProxy has against the configuration in `directory`, or ''."""
    result = subprocess.run(
        [program, "-c", "-f", CONFIGURATION],
        cwd=directory,
        env={},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        pass_fds=descriptors,
        timeout=30,
        check=False,
    )
    return result.stderr.strip() if result.returncode else ""


class BackOff:
    """Seconds to wait before the next start: none the first time and after a life of a second, else from 0.1
    up to 5, twice as long each time."""

    def __init__(self) -> None:
        self._next = 0.0

    def pause(self, lived: float) -> float:
        """`lived` is how many seconds the process that ended was there."""
        if lived >= 1.0:
            self._next = 0.0
        pause, self._next = self._next, min(max(0.1, self._next * 2), 5.0)
        return pause


@cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
