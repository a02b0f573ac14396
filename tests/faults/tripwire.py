"""Names the steps of a process as it comes to them, and breaks it at the one that an order names.

The order is a file that the test writes; what was passed, and where it broke, are files that the test reads.
"""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

VARIABLE = "CRASH_POINTS"
"""The directory of these files, in the environment of the process."""


SHARED = "router.retire"
"""What a rollout and a pass both do, whoever comes first; its first time counts."""

_POOL = re.compile(r"[^.]+\.([^.]+?)\d*\.[0-9a-f]{16}/(\w+)")


class Fault(StrEnum):
    NONE = "none"
    STOP = "stop"
    """The process goes no further; the test kills it, and what else shall die."""
    ERROR = "error"
    """The step says that the disk is full."""
    FILL = "fill"
    """The disk is full from this step on."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """`run` begins a new count. A recovery's steps are those of the process's first thread, a rollout's all others."""

    run: int
    point: str = ""
    fault: Fault = Fault.NONE
    recovery: bool = False


class Control:
    """The files that both sides use."""

    def __init__(self, directory: Path) -> None:
        self._order = directory / "order"
        self._steps = directory / "steps"
        self._broken = directory / "broken"

    def give(self, order: Order) -> None:
        self._broken.unlink(missing_ok=True)
        new = self._order.with_suffix(".new")
        new.write_text(json.dumps(asdict(order)))
        new.replace(self._order)

    def order(self) -> Order | None:
        try:
            data = json.loads(self._order.read_text())
        except FileNotFoundError:
            return None
        return Order(**data | {"fault": Fault(data["fault"])})

    def withdraw(self) -> None:
        self._order.unlink(missing_ok=True)

    def passed(self, run: int, point: str) -> None:
        with self._steps.open("a") as file:
            file.write(f"{run} {point}\n")

    def points(self, run: int) -> list[str]:
        """What was passed in a run, in this order."""
        with suppress(FileNotFoundError):
            lines = [line.split(" ", 1) for line in self._steps.read_text().splitlines()]
            return [point for number, point in lines if int(number) == run]
        return []

    def breaks(self, point: str) -> None:
        self._broken.write_text(point)

    @property
    def broken(self) -> bool:
        return self._broken.exists()


class Tripwire:
    """`disk` is the directory whose file system FILL fills."""

    def __init__(self, control: Control, disk: Path) -> None:
        self._control = control
        self._disk = disk
        self._lock = threading.Lock()
        self._run = 0
        self._seen: Counter[str] = Counter()

    def arrive(self, step: str) -> None:
        """A step is about to be done. Raises OSError (ENOSPC) where it shall fail."""
        fault = self._note(step)
        if fault is Fault.STOP:
            _stop()
        if fault is Fault.ERROR:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if fault is Fault.FILL:
            fill(self._disk)

    def _note(self, step: str) -> Fault:
        first = threading.current_thread() is threading.main_thread()
        with self._lock:
            order = self._control.order()
            if order is None or (order.recovery is not first and not step.startswith(SHARED)):
                return Fault.NONE
            if order.run != self._run:
                self._run, self._seen = order.run, Counter()
            name = f"{step} in {_caller()}"
            self._seen[name] += 1
            point = f"{name} #{self._seen[name]}"
            self._control.passed(order.run, point)
            if point != order.point:
                return Fault.NONE
            self._control.breaks(point)
            return order.fault


def fill(directory: Path) -> None:
    """Take every free byte of the file system, by a file that `free` removes."""
    with _filler(directory).open("ab", buffering=0) as file:
        stat = os.statvfs(directory)
        portion = stat.f_bavail * stat.f_frsize
        while portion:
            try:
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, portion)
            except OSError:
                portion //= 2  # others take and give meanwhile


def free(directory: Path) -> None:
    _filler(directory).unlink(missing_ok=True)


def _filler(directory: Path) -> Path:
    return directory.parent / "filler"


def _stop() -> NoReturn:
    os.kill(os.getpid(), signal.SIGSTOP)
    while True:
        threading.Event().wait()


def _caller() -> str:
    """The function of the controller that does the step."""
    frame: FrameType | None = sys._getframe(1)
    while frame and not frame.f_globals.get("__name__", "").startswith("calzion."):
        frame = frame.f_back
    while frame and frame.f_code.co_qualname.startswith("Database."):
        frame = frame.f_back
    return frame.f_code.co_qualname if frame else "nobody"


class Wired:
    """Stands before an object, of which these methods are steps, unless a call changes nothing."""

    def __init__(
        self,
        inner: Any,
        wire: Tripwire,
        name: str,
        *steps: str,
        idle: Callable[[str, tuple[Any, ...]], bool] = lambda _method, _arguments: False,
    ) -> None:
        self._inner, self._wire, self._name, self._steps, self._idle = inner, wire, name, steps, idle

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._inner, method)
        return self._step(method, found) if method in self._steps else found

    def _step(self, method: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            if not self._idle(method, arguments):
                self._wire.arrive(f"{self._name}.{method}{_subject(arguments)}")
            return act(*arguments, **named)

        return step


def _subject(arguments: tuple[Any, ...]) -> str:
    """Which of the builds or pools it is about, in every release alike."""
    first = arguments[0] if arguments else None
    if isinstance(first, str) and (pool := _POOL.fullmatch(first)):
        return f" {pool[1]}/{pool[2]}"
    service = getattr(first, "service", "")
    return f" {service.rstrip('0123456789')}" if service else ""
