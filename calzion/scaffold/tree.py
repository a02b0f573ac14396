"""The files of a repository, as whoever makes a template from them sees them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from calzion.build.directory import DirectoryTree
from calzion.errors import CalzionError

ROOT = "."
MAX_BYTES = 1 << 20


class Tree(Protocol):
    """Paths are relative to the repository's root, `.`; nothing outside of it can be reached."""

    def names(self, directory: str) -> tuple[str, ...]:
        """What is in the directory, directories with a slash at the end; empty where there is none."""
        ...

    def read(self, path: str) -> bytes | None:
        """The content of a regular file, None where there is none. Raises CalzionError where it is too large."""
        ...


class Checkout:
    """A Tree over a directory on disk. Symbolic links count as nothing."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self, directory: str) -> tuple[str, ...]:
        parts = [] if directory == ROOT else directory.split("/")
        here = self._root
        for part in parts:
            here = here / part
            if part in ("", ".", "..") or here.is_symlink() or not here.is_dir():
                return ()
        try:
            return DirectoryTree(here).names()
        except PermissionError:
            return ()

    def read(self, path: str) -> bytes | None:
        try:
            return DirectoryTree(self._root).read(path, MAX_BYTES)
        except PermissionError:
            return None
        except ValueError as error:
            raise CalzionError(str(error), hint="no file that is read here is that large") from None


def below(directory: str, name: str) -> str:
    """The path of `name` in the directory."""
    return name if directory == ROOT else f"{directory}/{name}"


def joined(directory: str, path: str) -> str | None:
    """`path` as written in a file of `directory`, from the root; None where it leads out, or is absolute."""
    if path.startswith(("/", "~")) or "\0" in path or "\\" in path:
        return None
    found = os.path.normpath(f"{directory}/{path}")
    return None if found == ".." or found.startswith("../") else found
