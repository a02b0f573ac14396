"""A SourceTree over an unpacked directory, whose content nobody trusts."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from calzion.build.gittree import DIRECTORY, FILE, LINK, PROGRAM, blob_of, tree_id
from calzion.model import Submodule

_HIDDEN = ".git"


class DirectoryTree:
    """Reads never follow a symbolic link, neither at the end of a path nor on its way.

    Only regular files, directories and links count. The digest is the id of the tree that git would write for them, so
    that code which came as files is known to be the code of a commit.
    """

    def __init__(self, root: Path, commit: str = "") -> None:
        self.root = root
        self.commit = commit

    @cached_property
    def digest(self) -> str:
        return tree_id(
            {
                os.fsencode(path): (kind, blob_of(self.root / path, kind))
                for path, kind in _walk(self.root)
                if kind != DIRECTORY
            }
        )

    def names(self) -> tuple[str, ...]:
        with os.scandir(self.root) as entries:
            found = [
                entry.name + ("/" if entry.is_dir(follow_symlinks=False) else "")
                for entry in entries
                if entry.name != _HIDDEN
            ]
        return tuple(sorted(found))

    def read(self, path: str, limit: int = 1 << 20) -> bytes | None:
        descriptor = _open_inside(self.root, path)
        if descriptor is None:
            return None
        with open(descriptor, "rb") as file:  # noqa: PTH123 (a descriptor)
            content = file.read(limit + 1)
        if len(content) > limit:
            raise ValueError(f"{path} is larger than {limit} bytes")
        return content

    def submodules(self) -> tuple[Submodule, ...]:
        return ()

    def export(self, destination: Path) -> None:
        for relative, kind in _walk(self.root):
            source, target = self.root / relative, destination / relative
            if kind == DIRECTORY:
                target.mkdir()
            elif kind == LINK:
                os.symlink(os.readlink(source), target)  # noqa: PTH115, PTH211  # a Path would change the target
            else:
                shutil.copyfile(source, target, follow_symlinks=False)
                target.chmod(0o755 if kind == PROGRAM else 0o644)


def _walk(root: Path) -> Iterator[tuple[str, str]]:
    """Relative paths with their kinds, parents first, in a fixed order; without recursion, however deep."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(root / below) as entries:
            ordered = sorted(entries, key=lambda entry: os.fsencode(entry.name))
        for entry in ordered:
            kind = _kind(entry.stat(follow_symlinks=False).st_mode)
            if kind and entry.name != _HIDDEN:
                yield f"{below}{entry.name}", kind
                if kind == DIRECTORY:
                    waiting.append(f"{below}{entry.name}/")


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return DIRECTORY
    if stat.S_ISLNK(mode):
        return LINK
    if stat.S_ISREG(mode):
        return PROGRAM if mode & 0o100 else FILE
    return ""


def _open_inside(root: Path, path: str) -> int | None:
    """Open a path step by step without following links; None where there is no such file."""
    parts = path.split("/")
    if not all(part and part not in (".", "..") for part in parts):
        return None
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(root, flags | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            inner = os.open(part, flags | os.O_DIRECTORY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        return _only_regular(os.open(parts[-1], flags, dir_fd=descriptor))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG):
            return None
        raise
    finally:
        os.close(descriptor)


def _only_regular(descriptor: int) -> int | None:
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None
