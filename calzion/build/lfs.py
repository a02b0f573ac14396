"""Pointers of Git LFS: files whose content is on another server, which nobody fetched."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

_BEGIN = b"version https://git-lfs.github.com/spec/v1\noid sha256:"
_SIZES = range(120, 200)
"""Bytes of a pointer: only files of such a size are looked into."""


def pointers(root: Path) -> Iterator[str]:
    """The paths of pointers below `root`. Links are not followed."""
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False) and _is_pointer(entry):
                    yield os.path.relpath(entry.path, root)


def remark(found: Sequence[str], shown: int = 3) -> str:
    """A sentence about pointers for whoever pushed them, '' where there are none."""
    if not found:
        return ""
    names = ", ".join(_plain(name) for name in sorted(found)[:shown])
    more = f" and {len(found) - shown} more" if len(found) > shown else ""
    verb = "is a pointer" if len(found) == 1 else "are pointers"
    return (
        f"{names}{more} {verb} of Git LFS, and stay so: the app sees the pointer, not the content."
        " Push the files themselves ('git lfs migrate export'), or fetch them in the build"
    )


def _is_pointer(entry: os.DirEntry[str]) -> bool:
    if entry.stat(follow_symlinks=False).st_size not in _SIZES:
        return False
    with open(entry.path, "rb") as file:  # noqa: PTH123 (an entry)
        return file.read(len(_BEGIN)) == _BEGIN


def _plain(name: str) -> str:
    return name if name.isprintable() else ascii(name)
