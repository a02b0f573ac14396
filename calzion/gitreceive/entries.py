"""The entries of git trees, as files of one tree with safe paths."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from calzion.errors import CalzionError

_GITLINK = 0o160000
_MAX_DEPTH = 64
_MAX_NAME = 255
"""Bytes, on the file systems that builds run on."""

_HINT = "keep what is not the app's source out of the repository"

Listing = Iterable[tuple[bytes, int, str]]
"""(name, mode, object id) each."""


@dataclass(frozen=True, kw_only=True)
class SourceLimits:
    """Files and directories, bytes of all files together, bytes of one path: of one service's code."""

    entries: int = 200_000
    size: int = 4 << 30
    path: int = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """`path` is relative, with `/`; no part of it leaves the tree or names git's own files."""

    path: bytes
    mode: int
    object_id: str

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_submodule(self) -> bool:
        return stat.S_IFMT(self.mode) == _GITLINK

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def permissions(self) -> int:
        return 0o755 if self.mode & 0o100 else 0o644


def walk(list_tree: Callable[[str], Listing], tree: str, limits: SourceLimits) -> Iterator[Entry]:
    """Every entry of `tree` and below, a directory before what it holds.

    Raises CalzionError beyond `limits`, and for names that no checkout would create.
    """
    count = 0
    waiting = [(b"", 0, tree)]
    while waiting:
        prefix, depth, object_id = waiting.pop()
        for name, mode, entry_id in list_tree(object_id):
            entry = Entry(path=prefix + _checked(name), mode=mode, object_id=entry_id)
            count += 1
            _check(entry, count, depth, limits)
            yield entry
            if entry.is_directory:
                waiting.append((entry.path + b"/", depth + 1, entry_id))


def _check(entry: Entry, count: int, depth: int, limits: SourceLimits) -> None:
    if count > limits.entries:
        raise CalzionError(
            f"the source is too large: more than {limits.entries} files and directories (source-files)",
            hint=_HINT,
        )
    if len(entry.path) > limits.path:
        raise CalzionError(
            f"the source has a path of {len(entry.path)} bytes, more than {limits.path} (source-path): "
            f"{_shown(entry.path)}",
            hint=_HINT,
        )
    if depth > _MAX_DEPTH:
        raise CalzionError(
            f"the source has more than {_MAX_DEPTH} directories within each other: {_shown(entry.path)}",
            hint=_HINT,
        )


def _checked(name: bytes) -> bytes:
    hostile = not name or name in (b".", b"..") or name.lower() == b".git" or b"/" in name or b"\0" in name
    if hostile or len(name) > _MAX_NAME:
        raise CalzionError(f"the source holds a file named {_shown(name)}, which can't be created")
    return name


def _shown(path: bytes) -> str:
    """As text that any terminal may show."""
    text = path if len(path) <= 80 else path[:77] + b"..."
    return ascii(text.decode(errors="replace"))
