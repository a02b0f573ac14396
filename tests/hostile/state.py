"""What a server keeps, for tests that want it unchanged: refs, objects, deployments, releases, processes."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

_GIT = (b"receive-pack", b"upload-pack", b"index-pack", b"unpack-objects", b"rev-list", b"cat-file")


@dataclass(frozen=True, kw_only=True)
class State:
    """`releases` are those that did not fail: a failed one is told of, and that is all."""

    repositories: tuple[str, ...]
    refs: frozenset[tuple[str, bytes]]
    objects: frozenset[str]
    deployments: tuple[tuple[object, ...], ...]
    releases: tuple[tuple[object, ...], ...]


def state_of(data: Path) -> State:
    """Of a server's data directory, read from its files alone."""
    repositories = sorted((data / "repositories").iterdir())
    return State(
        repositories=tuple(path.name for path in repositories),
        refs=frozenset(
            (str(path.relative_to(data)), path.read_bytes())
            for root in repositories
            for path in [*(root / "refs").rglob("*"), *root.iterdir()]
            if path.is_file()
        ),
        objects=frozenset(
            str(path.relative_to(data)) for root in repositories for path in (root / "objects").rglob("*")
        ),
        deployments=_rows(data, "SELECT name, repository FROM deployments ORDER BY name"),
        releases=_rows(data, "SELECT * FROM releases WHERE state != 'failed' ORDER BY id"),
    )


def is_as(data: Path, before: State) -> bool:
    """Whether nothing has changed. Not while something that was new is being removed."""
    try:
        return state_of(data) == before
    except FileNotFoundError:
        return False


def git_processes(data: Path) -> list[str]:
    """Command lines of the git processes that work below `data`."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
            directory = (file.parent / "cwd").readlink()
        except OSError:
            continue
        below = directory.is_relative_to(data) or any(str(data).encode() in word for word in words)
        if below and any(name in words for name in _GIT):
            found.append(b" ".join(words).decode(errors="replace"))
    return found


def peak(pid: int) -> int:
    """The most memory that a process has had, in bytes."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) * 1024


def _rows(data: Path, query: str) -> tuple[tuple[object, ...], ...]:
    with sqlite3.connect(data / "calzion.db") as connection:
        return tuple(connection.execute(query).fetchall())
