"""A git process that serves one client, with descriptors at fixed numbers for its hook."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress

_PIPE_SIZE = 1 << 20
_MEMORY = 2 << 30
"""Bytes: a few kilobytes of a pack can unpack to any size, and git does that in memory. Mapped packs don't count."""

_ABOVE_FIXED = 10
"""Pipe ends are moved up here, so that none is overwritten while the fixed numbers are set."""


class Child:
    """Runs at once, in a session of its own, with limited memory. The caller closes `stdin`, `stdout` and `stderr` by
    `close`."""

    def __init__(
        self, command: list[str], environment: Mapping[str, str], descriptors: Mapping[int, int]
    ) -> None:
        """`descriptors` maps the number in the child to a descriptor here, which stays the caller's.

        Raises OSError where the program can't be started.
        """
        self._lock = threading.Lock()
        self._status: int | None = None
        inner_in, self.stdin = _pipe()
        self.stdout, inner_out = _pipe()
        self.stderr, inner_err = _pipe()
        inner = {0: inner_in, 1: inner_out, 2: inner_err}
        moved = {number: _high(fd) for number, fd in descriptors.items()}
        try:
            self.pid = _spawn(command, environment, inner | moved)
        except OSError:
            self.close()
            raise
        finally:
            for descriptor in [*inner.values(), *moved.values()]:
                os.close(descriptor)
        # Whatever unpacks is started later, when input comes, and inherits this.
        with suppress(ProcessLookupError):
            resource.prlimit(self.pid, resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
        with suppress(OSError):
            fcntl.fcntl(self.stdin, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)

    def wait(self) -> int:
        """The exit status, 128 + N for signal N."""
        # Not reaped until under the lock: a signal must never reach another process with the same number.
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            if self._status is None:
                code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
                self._status = code if code >= 0 else 128 - code
            return self._status

    def terminate(self) -> None:
        """Have git and what it started end, where it is still running."""
        with self._lock:
            if self._status is None:
                with suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGTERM)

    def close_input(self) -> None:
        """Tell git that nothing follows; to be called by the one that writes to `stdin`."""
        descriptor, self.stdin = self.stdin, -1
        if descriptor >= 0:
            os.close(descriptor)

    def close(self) -> None:
        self.close_input()
        for descriptor in (self.stdout, self.stderr):
            os.close(descriptor)


def _spawn(command: list[str], environment: Mapping[str, str], descriptors: Mapping[int, int]) -> int:
    return os.posix_spawn(
        command[0],
        command,
        environment,
        file_actions=[(os.POSIX_SPAWN_DUP2, here, there) for there, here in descriptors.items()],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXFSZ],
    )


def _pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    try:
        return _high(reading), _high(writing)
    finally:
        os.close(reading)
        os.close(writing)


def _high(descriptor: int) -> int:
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _ABOVE_FIXED)
