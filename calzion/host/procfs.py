"""What /proc tells about processes (proc(5)). A process may end at any moment: then answers are empty."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PROC = Path("/proc")
_START_FIELD = 19  # starttime, counted behind the command's closing parenthesis
_PARENT_FIELD = 1
_STATE_FIELD = 0


@cache
def boot_id() -> str:
    """Differs after each boot of the machine; process ids mean nothing beyond it."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int | None:
    """When a living process started, in clock ticks since boot; None for one that has ended."""
    fields = _stat(pid)
    if not fields or fields[_STATE_FIELD] in "ZX":
        return None
    return int(fields[_START_FIELD])


def rests(pid: int) -> bool:
    """Whether a process waits for something other than a processor or a disk."""
    fields = _stat(pid)
    return not fields or fields[_STATE_FIELD] not in "RD"


def command_line(pid: int) -> list[str]:
    return _read(PROC / str(pid) / "cmdline").rstrip("\0").split("\0")


def find(argument: str) -> int | None:
    """A living process with this argument on its command line; the oldest of several."""
    for pid in sorted(_pids()):
        if argument in command_line(pid) and start_time(pid) is not None:
            return pid
    return None


def children(pid: int) -> list[int]:
    """The process's children, oldest first."""
    path = PROC / str(pid) / "task" / str(pid) / "children"
    if _has_children_files():
        return [int(child) for child in _read(path).split()]
    return sorted(other for other in _pids() if _parent(other) == pid)


def descendants(pid: int) -> list[int]:
    """Everything below a process, itself not included, whichever of its threads made it."""
    found: list[int] = []
    waiting = children_of_all_threads(pid)
    while waiting:
        found.append(waiting.pop())
        waiting += children_of_all_threads(found[-1])
    return found


def children_of_all_threads(pid: int) -> list[int]:
    if not _has_children_files():
        return children(pid)
    try:
        threads = list((PROC / str(pid) / "task").iterdir())
    except OSError:
        return []
    texts = (_read(thread / "children") for thread in threads)
    return [int(child) for text in texts for child in text.split()]


def memory(pids: Iterable[int]) -> int:
    """Bytes that these processes hold for themselves: resident pages that are not shared with files."""
    pages = 0
    for pid in pids:
        fields = _read(PROC / str(pid) / "statm").split()
        if fields:
            pages += int(fields[1]) - int(fields[2])
    return pages * os.sysconf("SC_PAGE_SIZE")


@cache
def _has_children_files() -> bool:
    return (PROC / "self/task" / str(os.getpid()) / "children").exists()


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[_PARENT_FIELD]) if fields else 0


def _stat(pid: int) -> list[str]:
    return _read(PROC / str(pid) / "stat").rpartition(")")[2].split()


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
