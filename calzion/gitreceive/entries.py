"""The entries of git trees, as files of one tree with safe paths."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from calzion.errors import CalzionError

_GITLINK = 0o160000
_MAX_DEPTH = 64
_MAX_PATH = 2000

Listing = list[tuple[bytes, int, str]]
"""(name, mode, object id) each."""


@dataclass(frozen=True, kw_only=True)
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


def walk(list_tree: Callable[[str], Listing], tree: str, *, limit: int) -> Iterator[Entry]:
    """Every entry of `tree` and below, a directory before what it holds.

    Raises CalzionError beyond `limit` entries, and for names that no checkout would create.
    """
    count = 0
    waiting = [(b"", 0, tree)]
    while waiting:
        prefix, depth, object_id = waiting.pop()
        for name, mode, entry_id in list_tree(object_id):
            entry = Entry(path=prefix + _checked(name), mode=mode, object_id=entry_id)
            count += 1
            if count > limit or depth > _MAX_DEPTH or len(entry.path) > _MAX_PATH:
                raise CalzionError(
                    f"the source is too large: more than {limit} files, or directories too deep",
                    hint="keep what is not the app's source out of the repository",
                )
            yield entry
            if entry.is_directory:
                waiting.append((entry.path + b"/", depth + 1, entry_id))


def _checked(name: bytes) -> bytes:
    hostile = not name or name in (b".", b"..") or name.lower() == b".git" or b"/" in name or b"\0" in name
    if hostile or len(name) > 255:
        raise CalzionError(f"the source holds a file named {name[:80]!r}, which can't be created")
    return name
