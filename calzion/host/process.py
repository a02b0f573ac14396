"""One sandbox as the daemon sees it: an outer process that it may have inherited, and the sandbox's first process.

The outer process ends with the instance's main process, and tells its exit code. The first process (init) ends
when all others have; killing it kills them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from calzion.host import procfs
from calzion.host.directory import InstanceDirectory
from calzion.host.launch import Launch
from calzion.host.loop import Loop
from calzion.host.status import Status, exit_of_code, exit_of_wait
from calzion.host.streams import Streams
from calzion.model import Exit

Spawn = Callable[[int], Launch]
"""Makes the order to start, given the descriptor for bwrap's status."""

_FIRST_LOOK, _LAST_LOOK = 0.004, 0.1  # seconds between looks whether the sandbox is made
_LATER = 1.1  # times as long as the pause before


class Process:
    """`ready` is called when the sandbox exists, `ended` with the main process's exit when nothing of it is left.

    What the main process leaves behind is killed, or, after `be_patient`, waited for.
    """

    def __init__(
        self,
        loop: Loop,
        directory: InstanceDirectory,
        pid: int,
        *,
        ready: Callable[[], None],
        ended: Callable[[Exit], None],
    ) -> None:
        self.pid = pid
        self.init: int | None = None
        self._loop = loop
        self._directory = directory
        self._ready = ready
        self._ended = ended
        self._patient = False
        self._exit: Exit | None = None
        self._main: int | None = None
        self._init_fd: int | None = None
        self._outer_fd: int | None = os.pidfd_open(pid)
        loop.watch(self._outer_fd, self._outer_ended)

    def be_patient(self) -> None:
        self._patient = True

    def main(self) -> int | None:
        """The main process as the machine numbers it; None while the sandbox is being made."""
        if self._main is None and self.init is not None:
            self._main = next(iter(procfs.children(self.init)), None)
        return self._main

    def members(self) -> list[int]:
        """Every process inside."""
        return procfs.descendants(self.init) if self.init is not None else []

    def signal(self, name: str, *, main_only: bool) -> bool:
        """Send a signal to every process inside, or to the main one alone; False where there is none yet."""
        main = self.main()
        targets = [main] if main_only and main else self.members()
        for pid in targets:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.Signals[name])
        return bool(targets)

    def kill(self) -> None:
        """End all of it at once."""
        self._patient = False
        target = self._init_fd if self._init_fd is not None else self._outer_fd
        if target is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(target, signal.SIGKILL)

    def watch_start(self, pause: float = _FIRST_LOOK) -> None:
        """Have `ready` called once the instance's main process exists, which only bwrap's report tells."""
        if self._outer_fd is None:
            return
        self._find_init()
        if self.main() is not None:
            self._ready()
        else:
            later = min(pause * _LATER, _LAST_LOOK)
            self._loop.later(pause, lambda: self.watch_start(later))

    def _find_init(self) -> None:
        self._take_init(Status.read(self._directory.status).init)

    def _take_init(self, pid: int | None) -> None:
        if pid is None or self.init is not None:
            return
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            return
        if str(self._directory.app) not in procfs.command_line(pid):  # the number belongs to another by now
            os.close(descriptor)
            return
        self.init, self._init_fd = pid, descriptor

    def _outer_ended(self, _: int) -> None:
        assert self._outer_fd is not None
        self._loop.unwatch(self._outer_fd)
        os.close(self._outer_fd)
        self._outer_fd = None
        self._exit = _exit(_reap(self.pid), Status.read(self._directory.status))
        self._find_init()
        if self._exit.status == 0 and not self._patient:
            self._exit = replace(self._exit, background=self._left_others())
        if self._init_fd is None:
            self._take_init(procfs.find(str(self._directory.app)))  # bwrap may have died before it told
        if self._init_fd is None:
            self._ended(self._exit)
            return
        if not self._patient:
            self.kill()
        self._loop.watch(self._init_fd, self._init_ended)

    def _left_others(self) -> bool:
        return any(procfs.start_time(pid) is not None for pid in self.members())

    def _init_ended(self, _: int) -> None:
        assert self._init_fd is not None and self._exit is not None
        self._loop.unwatch(self._init_fd)
        os.close(self._init_fd)
        self._init_fd = None
        self._ended(self._exit)


def spawn(order: Spawn, directory: InstanceDirectory, streams: Streams | None = None) -> int:
    """Start a sandbox that writes to its log, or has `streams`. Returns its outer process. Raises OSError."""
    status = os.open(directory.status, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    log = os.open(directory.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return _spawn(order(status), streams.inner if streams else (subprocess.DEVNULL, log, log), status)
    finally:
        os.close(status)
        os.close(log)


def _spawn(launch: Launch, standard: Sequence[int], status: int) -> int:
    stdin, stdout, stderr = standard
    process = subprocess.Popen(
        launch.arguments(),
        env=launch.environment(),
        cwd=Path("/"),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        pass_fds=(status,),
        start_new_session=True,
        umask=0o022,
    )
    process.returncode = 0  # reaped by the daemon itself
    return process.pid


def _reap(pid: int) -> int | None:
    """The wait status of a child that has ended; None for one inherited from an earlier daemon."""
    try:
        return os.waitpid(pid, os.WNOHANG)[1]
    except ChildProcessError:
        return None


def _exit(wait_status: int | None, status: Status) -> Exit:
    if status.code is not None:
        return exit_of_code(status.code)
    if wait_status is not None:
        return exit_of_wait(wait_status)
    return Exit(signal="SIGKILL")  # it had no time to say more
