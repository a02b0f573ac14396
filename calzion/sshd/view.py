"""What the SSH server sees of the machine: programs, and of DATA what it serves.

Whatever else other users could read or write is gone from its sight: homes, sockets, scratch. Where a directory on the
way to something that it needs is closed to other users, an empty one stands in its place, with what is needed in it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from calzion.sshd.mounts import (
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    make_read_only,
    mount,
    mount_directory,
    new_namespace,
)

_HIDDEN = ("/dev/shm", "/home", "/media", "/mnt", "/root", "/run", "/srv", "/tmp", "/var/tmp")
_ENTER, _READ = 0o001, 0o004
_INERT = MS_NOSUID | MS_NODEV | MS_NOEXEC


@dataclass(frozen=True, kw_only=True)
class View:
    """`data` is empty but for `writable`, directories below it. `readable` are directories anywhere."""

    data: Path
    writable: tuple[Path, ...]
    readable: tuple[Path, ...]


def programs(beside: Iterable[Path]) -> tuple[Path, ...]:
    """Where this very program and its libraries are, and the directories `beside` them."""
    package = Path(__file__).resolve().parents[1]
    found = (*map(Path, (sys.prefix, sys.base_prefix, *sys.path)), package, *beside)
    return outermost({path for path in found if path.is_absolute() and path.is_dir()})


def outermost(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Those that are in no other one."""
    every = sorted(set(paths))
    return tuple(path for path in every if not any(other in path.parents for other in every))


def closed_to_others(path: Path) -> Path | None:
    """The first directory on the way to `path` that another user can't enter."""
    return next((each for each in reversed(path.parents) if not each.stat().st_mode & _ENTER), None)


def unreadable(files: Iterable[Path]) -> Path | None:
    """The first that another user can't read, wherever it is. An install that keeps others out does so everywhere."""
    return next((file for file in files if not file.stat().st_mode & _READ), None)


def make_view(view: View) -> None:
    """See nothing else from now on. Raises OSError, and changes nothing, where that can't be."""
    with new_namespace(), ExitStack() as stack:
        with suppress(OSError):
            make_read_only()
        hidden = _hidden(view)
        readable = [(path, _opened(path, stack)) for path in _names(view.readable, hidden)]
        writable = [(path, _opened(path, stack)) for path in view.writable]
        for place in hidden:
            _empty(place)
        for path, descriptor in readable:
            _show(path, descriptor, MS_NOSUID | MS_NODEV | MS_RDONLY)
        view.data.mkdir(parents=True, exist_ok=True)
        _empty(view.data)
        for path, descriptor in writable:
            _show(path, descriptor, _INERT)
        # A Linux that does not know this word would hide processes from everybody.
        with suppress(OSError):
            mount("proc", Path("/proc"), "proc", _INERT, "hidepid=invisible")
        os.chdir("/")


def _hidden(view: View) -> tuple[Path, ...]:
    usual = (Path(name) for name in _HIDDEN)
    there = {path.resolve() for path in usual if path.is_dir()}
    needed = (view.data, *(path.resolve() for path in view.readable))
    return outermost(there | {closed for path in needed if (closed := closed_to_others(path))})


def _names(paths: Iterable[Path], hidden: Sequence[Path]) -> Iterator[Path]:
    """All names of `paths` that are gone with what is hidden: a symbolic link may be on the way."""
    names = {name for path in paths for name in (path, path.resolve())}
    return (name for name in sorted(names) if any(place in (name, *name.parents) for place in hidden))


def _opened(path: Path, stack: ExitStack) -> int:
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    stack.callback(os.close, descriptor)
    return descriptor


def _empty(place: Path) -> None:
    mount("tmpfs", place, "tmpfs", _INERT, "mode=755,size=1m")


def _show(path: Path, descriptor: int, flags: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    mount_directory(descriptor, path, flags)
