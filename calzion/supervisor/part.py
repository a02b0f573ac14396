"""One part of Calzion: the process that runs as it now, and what is known about it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIRST_DELAY = 0.1
LONGEST_DELAY = 5.0
SETTLED = 30.0
"""Seconds up after which an end is no longer counted as a repeated failure."""


def delay(failures: int) -> float:
    """Seconds to wait before a part that failed so many times in a row is started again."""
    return float(min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(failures - 1, 16)))


@dataclass
class Part:
    """`outlives` says whether it goes on when the supervisor ends. `kept` are the variables that one which runs
    already must share with us to be left alone. `ready` is what it said when it was ready, None until then."""

    name: str
    outlives: bool = False
    kept: tuple[str, ...] = ()
    pid: int = 0
    pidfd: int = -1
    ready: dict[str, Any] | None = None
    ready_fd: int = -1
    failures: int = 0
    restarts: int = 0
    since: float = 0.0
    restart_at: float | None = None
    log_offset: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _said: bytes = field(default=b"")

    @property
    def alive(self) -> bool:
        return self.pidfd >= 0

    @property
    def adopted(self) -> bool:
        """Runs, but was started by an earlier supervisor."""
        return self.alive and self._process is None

    @property
    def state(self) -> str:
        if not self.alive:
            return "down"
        return "starting" if self.ready is None else "up"

    def start(
        self, command: Sequence[str], environ: Mapping[str, str], log: int, ready_variable: str
    ) -> None:
        """Run it, with its output going to the descriptor `log`. Raises OSError where it can't be run."""
        said, says = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(says, True)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**environ, ready_variable: str(says)},
                pass_fds=(says,),
                start_new_session=True,
            )
        except OSError:
            os.close(said)
            raise
        finally:
            os.close(says)
        self.ready_fd, self._said, self.ready = said, b"", None
        self._runs(self._process.pid)

    def adopt(self, pid: int) -> bool:
        """Watch a process that runs already; False where it has just ended."""
        try:
            self._runs(pid)
        except ProcessLookupError:
            return False
        self._process, self.ready = None, {}
        return True

    def _runs(self, pid: int) -> None:
        self.pidfd = os.pidfd_open(pid)
        self.pid, self.since, self.restart_at = pid, time.monotonic(), None

    def read_ready(self) -> bool:
        """Read what it says on its descriptor; True when that has come to its end."""
        with suppress(BlockingIOError):
            chunk = os.read(self.ready_fd, 4096)
            self._said += chunk
            if chunk and b"\n" not in self._said and len(self._said) < 65_536:
                return False
            self._understand()
            return True
        return False

    def _understand(self) -> None:
        with suppress(ValueError):
            said = json.loads(self._said)
            if isinstance(said, dict) and said.get("ready") is True:
                self.ready = said
        self.close_ready()

    def close_ready(self) -> None:
        if self.ready_fd >= 0:
            os.close(self.ready_fd)
            self.ready_fd = -1

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def kill(self) -> None:
        """End it, and what it started in its own process group, at once."""
        self.signal(signal.SIGKILL)
        self._kill_group()

    def ended(self) -> str:
        """Take note that the process is gone; returns how it ended."""
        if not self.outlives:
            self._kill_group()
        status = self._process.wait() if self._process else None
        os.close(self.pidfd)
        self.close_ready()
        self.pidfd, self._process, self.ready = -1, None, None
        return _how(status)

    def _kill_group(self) -> None:
        """Only while the process is not reaped yet, so that its pid still names this group."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def plan_restart(self) -> float:
        """Note one more failure; returns the seconds until it shall be started again."""
        lasted = time.monotonic() - self.since
        self.failures = 1 if lasted > SETTLED else self.failures + 1
        self.restarts += 1
        wait = delay(self.failures)
        self.restart_at = time.monotonic() + wait
        return wait


def fits(pid: int, kept: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether a running process was started with the same values of the variables `kept` (or with none)."""
    try:
        pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return True
    theirs = dict(pair.decode(errors="replace").split("=", 1) for pair in pairs if b"=" in pair)
    return all(theirs.get(name, environ.get(name)) == environ.get(name) for name in kept)


def _how(status: int | None) -> str:
    if status is None:
        return "it ended"
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exit code {status}"
