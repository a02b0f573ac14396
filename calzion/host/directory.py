"""The directory of one instance: its log, its record, its own copy of the slug."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class InstanceDirectory:
    path: Path

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def old_log(self) -> Path:
        """What stood in the log before it was cut."""
        return self.path / "log.1"

    @property
    def times(self) -> Path:
        """When what stands in the log was written."""
        return self.path / "times"

    @property
    def old_times(self) -> Path:
        return self.path / "times.1"

    @property
    def record(self) -> Path:
        return self.path / "record.json"

    @property
    def status(self) -> Path:
        """What bwrap reports: the sandbox's first process, and the exit code."""
        return self.path / "status"

    @property
    def layers(self) -> Path:
        """What one start of the instance writes; each start has fresh ones."""
        return self.path / "layers"

    @property
    def upper(self) -> Path:
        return self.layers / "upper"

    @property
    def work(self) -> Path:
        return self.layers / "work"

    @property
    def app(self) -> Path:
        return self.layers / "app"

    @property
    def tmp(self) -> Path:
        return self.layers / "tmp"

    def prepare(self, owner: int | None) -> None:
        """Make fresh layers for a start, where none are; those that the instance writes at belong to `owner`."""
        self.layers.mkdir(parents=True)
        for directory in (self.upper, self.work, self.app, self.tmp):
            directory.mkdir()
        for directory in (self.upper, self.app, self.tmp):
            directory.chmod(0o755)
            if owner is not None:
                os.chown(directory, owner, owner)
        self.tmp.chmod(0o1777)

    def retire(self) -> Path | None:
        """Put the layers of the last start, if any, out of the way; the path is for `remove_tree`."""
        retired = self.path / f"layers.{time.monotonic_ns()}"
        try:
            self.layers.rename(retired)
        except FileNotFoundError:
            return None
        return retired

    def bury(self) -> Path | None:
        """Put all of it, if anything, out of the way; the path is for `remove_tree`."""
        grave = self.path.with_name(f"{self.path.name}.{time.monotonic_ns()}")
        try:
            self.path.rename(grave)
        except FileNotFoundError:
            return None
        return grave

    def remove(self) -> None:
        remove_tree(self.path)


def remove_tree(path: Path) -> None:
    """Remove a directory that others wrote, where it exists; also while somebody else removes it, or a part of it.

    Raises OSError for what can't be removed.
    """
    if path.is_symlink() or not path.exists():
        return
    shutil.rmtree(path, onerror=_open_up_and_retry)


def _open_up_and_retry(_: Callable[..., Any], path: str, __: object) -> None:
    """An overlay leaves a work directory, and an app may leave others, that their owner can't enter."""
    failed = Path(path)
    with suppress(FileNotFoundError):
        for directory in (failed.parent, failed):
            if directory.is_dir() and not directory.is_symlink():
                directory.chmod(0o700)
        if failed.is_dir() and not failed.is_symlink():
            shutil.rmtree(failed, onerror=_raise_unless_gone)
        else:
            failed.unlink()


def _raise_unless_gone(_: Callable[..., Any], __: str, error: tuple[Any, BaseException, Any]) -> None:
    if not isinstance(error[1], FileNotFoundError):
        raise error[1]
