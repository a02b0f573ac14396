"""Breaks at a chosen step: the process is gone, or the disk is full. The steps are counted, so nothing is luck."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from calzion.controller.store.database import Database
from calzion.errors import full_disk

COMMIT = "commit"


class Crash(BaseException):
    """The process was killed. What catches it all the same can do nothing any more: every step raises it again."""


class Fuse:
    """Every step outside of memory passes it. `blow_at` says at which one it breaks, before or after it is done.

    `meanwhile` is called after every step that is done, but for those that it takes itself, and those inside of
    another one: a transaction holds the store's lock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = threading.local()
        self.meanwhile: Callable[[], None] | None = None
        self.reset()

    def reset(
        self, blow_at: int = 0, *, after: bool = False, full_disk: bool = False, around: str = ""
    ) -> None:
        """Count anew from 1; with `blow_at` 0 nothing breaks, or, after it, the step within which `around` is done:
        steps of other threads may come between the two.
        """
        self.steps: list[str] = []
        self._around = around
        self._blow_at, self._after, self._full_disk = blow_at, after, full_disk
        self._dead = False

    def call(self, name: str, step: Callable[[], Any]) -> Any:
        with self.passing(name):
            return step()

    @contextmanager
    def passing(self, name: str) -> Iterator[None]:
        here = self._arrive(name)
        if here and not self._after:
            self._blow(name)
        depth = getattr(self._within, "depth", 0)
        self._within.depth = depth + 1
        if depth == 0:
            self._within.names = set()
        self._within.names.add(name)
        try:
            yield
        finally:
            self._within.depth = depth
        if (here and self._after) or (depth == 0 and self._around in self._within.names - {name}):
            self._blow(name)
        if depth == 0:
            self._do_meanwhile()

    def _do_meanwhile(self) -> None:
        with self._lock:
            meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            try:
                meanwhile()
            finally:
                self.meanwhile = meanwhile

    def _arrive(self, name: str) -> bool:
        with self._lock:
            if self._dead:
                raise Crash(f"dead before {name}")
            self.steps.append(name)
            return len(self.steps) == self._blow_at

    def _blow(self, name: str) -> None:
        if self._full_disk:
            raise (
                full_disk()
                if name == COMMIT
                else OSError(errno.ENOSPC, f"No space left on device, at {name}")
            )
        self._dead = True
        raise Crash(f"at {name}")


class FusedDatabase(Database):
    """A transaction is a step: broken before, it never was; broken after, it is kept."""

    def __init__(self, url: str, fuse: Fuse) -> None:
        super().__init__(url)
        self._fuse = fuse

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._fuse.passing(COMMIT), super().write() as connection:
            yield connection


class Fused:
    """Stands before an object, of which these methods are steps."""

    def __init__(self, inner: Any, fuse: Fuse, *steps: str) -> None:
        self._inner, self._fuse, self._steps = inner, fuse, steps

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._steps:
            return found
        return lambda *arguments, **named: self._fuse.call(name, lambda: found(*arguments, **named))
