"""Files -> the description by which a plan knows them: what their upload would be, without the upload."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator

from calzion.build.gittree import FILE, LINK, PROGRAM, blob_id, tree_id
from calzion.controller.described import MOST_READ, DescribedTree, is_told
from calzion.packing.archive import whole
from calzion.packing.file import PackedFile

_GIT = b".git"


def describe(files: Iterable[PackedFile], commit: str) -> DescribedTree:
    """Reads every file once. Raises CalzionError where one changes meanwhile."""
    blobs: dict[bytes, tuple[str, bytes]] = {}
    told: dict[str, bytes] = {}
    large: set[str] = set()
    for file in files:
        if _GIT in file.path.split(b"/"):
            continue
        kind, path, parts = _kind(file.mode), os.fsdecode(file.path), _parts(file)
        if kind != LINK and is_told(path):
            if file.size > MOST_READ:
                large.add(path)
            else:
                told[path] = b"".join(parts)
                parts = iter([told[path]])
        blobs[file.path] = (kind, blob_id(file.size, parts))
    return DescribedTree(
        digest=tree_id(blobs), commit=commit, root=_root(blobs), files=told, large=frozenset(large)
    )


def _parts(file: PackedFile) -> Iterator[bytes]:
    return file.parts if stat.S_ISLNK(file.mode) else whole(file)


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return LINK
    return PROGRAM if mode & 0o100 else FILE


def _root(paths: Iterable[bytes]) -> tuple[str, ...]:
    """The names at the root; directories end in '/'."""
    found = (path.partition(b"/") for path in paths)
    return tuple(sorted({os.fsdecode(name + slash) for name, slash, _ in found}))
