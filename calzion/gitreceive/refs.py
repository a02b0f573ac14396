"""Reads the refs of a bare repository that keeps them as files (gitrepository-layout(5))."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from calzion.gitreceive.refname import is_object_id, is_refname


def current_ref(repository: Path, ref: str) -> str | None:
    """The object id that `ref` holds now; None where there is no such ref, also for a malformed name."""
    if not is_refname(ref):
        return None
    return _loose(repository / ref) or _packed(repository).get(ref)


def all_refs(repository: Path) -> dict[str, str]:
    loose = {str(path.relative_to(repository)): _loose(path) for path in _loose_files(repository)}
    return _packed(repository) | {name: value for name, value in loose.items() if value}


def has_refs(repository: Path) -> bool:
    """Whether anything was ever accepted: a repository without a ref holds nothing."""
    return any(_loose(path) for path in _loose_files(repository)) or bool(_packed(repository))


def _loose_files(repository: Path) -> Iterator[Path]:
    """Of refs alone: git's lock files beside them are none. What vanishes meanwhile is left out."""
    for directory, _, names in os.walk(repository / "refs"):
        paths = (Path(directory, name) for name in names)
        yield from (path for path in paths if is_refname(str(path.relative_to(repository))))


def _loose(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    return text if is_object_id(text) else None


def _packed(repository: Path) -> dict[str, str]:
    try:
        text = (repository / "packed-refs").read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return {}
    pairs = (line.partition(" ") for line in text.splitlines())
    return {ref: value for value, _, ref in pairs if is_object_id(value)}
