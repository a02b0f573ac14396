"""The supervisor: starts the parts in order, keeps them up, and ends them in the opposite order.

A part tells that it is ready by one line of JSON on a descriptor it inherits. Ends are noticed by pidfds, also
those of the host daemon and the router that an earlier supervisor left running.
"""

from __future__ import annotations

import json
import os
import select
import selectors
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from calzion.backends.choice import PROCESS
from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.supervisor import lock, logfile
from calzion.supervisor.command import READY_VARIABLE, environment_of
from calzion.supervisor.part import Part, fits

START_TIMEOUT = 60.0
STOP_TIMEOUT = 20.0
_HOUSEKEEPING = 60.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LINES_OF_A_FAILURE = 15
_ROUTERS = tuple(
    f"CALZION_{name}" for name in ("HTTP", "CONTAINER_NETWORK", "REGISTRY", "ADVERTISE", "TRUSTED_ROUTERS")
)
"""What the router has to be started anew for."""


def stages(backend: str, without: Collection[str] = ()) -> tuple[tuple[Part, ...], ...]:
    """The parts in the order of their start; those of one stage start side by side. An engine is host enough.

    `without` names parts that somebody else starts and keeps up.
    """
    router = Part("router", outlives=True, kept=_ROUTERS)
    every = (
        (Part("host", outlives=True), router) if backend == PROCESS else (router,),
        (Part("reconciler"),),
        (Part("controller"), Part("sshd")),
    )
    return tuple(tuple(part for part in stage if part.name not in without) for stage in every)


class Supervisor:
    """`command` gives a part's argument list, `say` gets a line for the terminal."""

    def __init__(
        self,
        *,
        layout: Layout,
        command: Callable[[Part], Sequence[str]],
        environ: Mapping[str, str],
        say: Callable[[str], None],
        stages: tuple[tuple[Part, ...], ...],
    ) -> None:
        self._layout = layout
        self._command = command
        self._environ = environ
        self._say = say
        self._stages = stages
        self._parts = [part for stage in stages for part in stage]
        self._selector = selectors.DefaultSelector()
        self._started: list[Part] = []
        self._woken, self._wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._stopping = False
        self._housekeeping = 0.0

    def run(self, announce: Callable[[Mapping[str, Any]], str]) -> None:
        """Start everything, say `announce(what each part said)`, and keep it up until a signal ends it.

        Raises CalzionError where a part does not start; what was started by then has been taken down.
        """
        self._listen()
        try:
            for stage in self._stages:
                if not self._stopping:
                    self._bring_up(stage)
        except BaseException:
            self._take_down()
            raise
        if not self._stopping:
            self._say(announce({part.name: part.ready or {} for part in self._parts}))
        while not self._stopping:
            self._turn()
        self._stop()

    def _listen(self) -> None:
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGTERM:
                signal.signal(number, lambda *_: None)
        self._selector.register(self._woken, selectors.EVENT_READ, self._wake)

    def _wake(self) -> None:
        with suppress(BlockingIOError):
            received = os.read(self._woken, 256)
            self._stopping = self._stopping or bool(set(received) & set(_SIGNALS))

    def _bring_up(self, stage: Sequence[Part]) -> None:
        for part in stage:
            self._start(part)
        deadline = time.monotonic() + START_TIMEOUT
        while not self._stopping and any(part.ready is None for part in stage):
            self._turn(deadline)
            if late := [part.name for part in stage if part.ready is None and time.monotonic() > deadline]:
                raise CalzionError(
                    f"{', '.join(late)} did not become ready within {START_TIMEOUT:.0f} seconds",
                    hint=f"see the logs in {self._layout.logs}",
                )

    def _start(self, part: Part) -> None:
        log = self._layout.logs / f"{part.name}.log"
        if part.outlives and self._adopt(part):
            pass
        else:
            logfile.rotate(log)
            part.log_offset = logfile.size(log)
            descriptor = logfile.open_log(log)
            try:
                part.start(
                    self._command(part),
                    environment_of(part.name, self._environ),
                    descriptor,
                    READY_VARIABLE,
                )
            finally:
                os.close(descriptor)
            self._started.append(part)
            self._selector.register(part.ready_fd, selectors.EVENT_READ, partial(self._hear, part))
        self._selector.register(part.pidfd, selectors.EVENT_READ, partial(self._ended, part))
        self._record()

    def _adopt(self, part: Part) -> bool:
        """Leave a part alone that runs already, unless its settings have changed."""
        pid = lock.holder(self._layout.run / f"{part.name}.lock")
        if pid is None or not part.adopt(pid):
            return False
        if fits(pid, part.kept, self._environ):
            return True
        self._say(f"the settings of {part.name} have changed: starting it again")
        self._end(part)
        return False

    def _turn(self, until: float | None = None) -> None:
        for key, _ in self._selector.select(self._patience(until)):
            # A callback may have closed what a later one of this round is about.
            if key.fd in self._selector.get_map():
                key.data()
        now = time.monotonic()
        for part in self._parts:
            if part.restart_at is not None and now >= part.restart_at and not self._stopping:
                self._start_again(part)
        if now >= self._housekeeping:
            self._rotate(now)

    def _patience(self, until: float | None) -> float:
        moments = [part.restart_at for part in self._parts if part.restart_at is not None]
        moments += [self._housekeeping] + ([until] if until is not None else [])
        return max(0.0, min(moments) - time.monotonic())

    def _rotate(self, now: float) -> None:
        self._housekeeping = now + _HOUSEKEEPING
        for part in self._parts:
            logfile.rotate(self._layout.logs / f"{part.name}.log")

    def _hear(self, part: Part) -> None:
        descriptor = part.ready_fd
        if part.read_ready():
            self._selector.unregister(descriptor)
            self._record()

    def _ended(self, part: Part) -> None:
        was_ready = part.ready is not None
        how = self._forget(part)
        if not was_ready and part.restarts == 0:
            raise self._failure(part, how)
        wait = part.plan_restart()
        self._say(f" !     {part.name} is down ({how}): starting it again in {wait:g} s")
        self._record()

    def _forget(self, part: Part) -> str:
        for descriptor in (part.pidfd, part.ready_fd):
            if descriptor >= 0 and descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)
        return part.ended()

    def _start_again(self, part: Part) -> None:
        try:
            self._start(part)
        except OSError as error:
            wait = part.plan_restart()
            self._say(f" !     {part.name} can't be started ({error}): trying again in {wait:g} s")

    def _failure(self, part: Part, how: str) -> CalzionError:
        log = self._layout.logs / f"{part.name}.log"
        lines = logfile.last_lines(log, part.log_offset, _LINES_OF_A_FAILURE)
        return CalzionError(
            f"{part.name} did not start ({how}):",
            detail=[line.removeprefix(" !     ") for line in lines] or ["it wrote nothing"],
            hint=f"its log is {log}",
        )

    def _stop(self) -> None:
        """End what ends with us, the last stage first."""
        for part in reversed(self._parts):
            part.restart_at = None
            if not part.outlives and part.alive:
                self._end(part)
        self._record()

    def _take_down(self) -> None:
        for part in reversed(self._started):
            if part.alive:
                self._end(part)
        self._record()

    def _end(self, part: Part) -> None:
        """SIGTERM, and SIGKILL where that does not help in time or a further signal hurries us."""
        self._wake()
        part.signal(signal.SIGTERM)
        poll = select.poll()
        poll.register(part.pidfd, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(STOP_TIMEOUT * 1000)}
        if part.pidfd not in ready:
            self._say(f" !     {part.name} did not end: killing it")
            part.kill()
            poll.unregister(self._woken)
            poll.poll(STOP_TIMEOUT * 1000)
        self._forget(part)

    def _record(self) -> None:
        """Tell other processes (`calzion status`) how the parts are."""
        parts = {
            part.name: {
                "pid": part.pid if part.alive else None,
                "state": part.state,
                "restarts": part.restarts,
            }
            for part in self._parts
        }
        new = self._layout.run / "parts.json.new"
        new.write_text(json.dumps({"supervisor": os.getpid(), "parts": parts}), encoding="utf-8")
        new.replace(self._layout.run / "parts.json")
