"""Reads commits: those of a push that git has not accepted yet, and those of a repository."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from calzion.errors import CalzionError
from calzion.gitreceive.entries import Entry, Listing, SourceLimits, walk
from calzion.gitreceive.export import export
from calzion.gitreceive.git import Git
from calzion.gitreceive.objects import Objects
from calzion.gitreceive.rawobject import entries_of, tree_of
from calzion.gitreceive.submodules import GITMODULES, MAX_SIZE, list_settings, submodules
from calzion.model import Submodule

_MAX_COMMIT = 1 << 20
_MAX_TREE = 32 << 20
"""Bytes of one directory's listing: some 500,000 names."""


def open_push(
    repository: Path | str, quarantine: Path | str = "", limits: SourceLimits | None = None
) -> Commits:
    """Open a bare repository; with the quarantine of a running push, its objects are there too.

    After the push the same commits are read without a quarantine.
    """
    git, new = Git.find(), Path(quarantine) if quarantine else None
    return Commits(git, Objects(git, Path(repository), new), limits or SourceLimits())


@contextmanager
def open_commit(
    repositories: Path, repository: str, commit: str, directory: str, limits: SourceLimits | None = None
) -> Iterator[CommitTree]:
    """A directory of a commit that was pushed. Raises CalzionError where it is not there any more."""
    path = repositories / f"{repository}.git"
    if not path.is_dir():
        raise CalzionError(f"there is no repository {repository}", code="not_found")
    with open_push(path, limits=limits) as commits:
        yield commits.tree(commit, directory)


class Commits:
    """Safe to use from several threads; to be closed, or used in a `with`."""

    def __init__(self, git: Git, objects: Objects, limits: SourceLimits) -> None:
        self._git = git
        self._objects = objects
        self._limits = limits

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._objects.close()

    def read(self, commit: str, path: str, limit: int = 1 << 20) -> bytes:
        """A file of a commit. Raises CalzionError (template) where there is none within `limit` bytes."""
        tree = self.tree(commit)
        try:
            content = tree.read(path, limit)
        except ValueError as error:
            raise CalzionError(
                f"{path} of {commit[:7]} is too large: {error} (template-size)", code="template"
            ) from None
        if content is None:
            raise _no_file(commit, path, tree.names())
        return content

    def tree(self, commit: str, directory: str = ".") -> CommitTree:
        """A directory of a commit. Raises CalzionError (template) where there is none."""
        root = self._root(commit)
        parts = [part for part in directory.split("/") if part not in ("", ".")]
        found = find(self._list, root, parts)
        if ".." in parts or found is None or not stat.S_ISDIR(found[0]):
            raise CalzionError(f"there is no directory {directory} in {commit[:7]}", code="template")
        return CommitTree(
            commit=commit,
            root=root,
            directory="/".join(parts),
            digest=found[1],
            git=self._git,
            objects=self._objects,
            list_tree=self._list,
            limits=self._limits,
        )

    def _root(self, commit: str) -> str:
        try:
            return tree_of(self._objects.read(commit, _MAX_COMMIT, "commit"))
        except ValueError as error:
            raise CalzionError(f"the commit {commit[:12]} can't be read: {error}") from None

    def _list(self, tree: str) -> Listing:
        try:
            yield from entries_of(self._objects.read(tree, _MAX_TREE, "tree"))
        except ValueError as error:
            raise CalzionError(f"the directory {tree[:12]} can't be read: {error}") from None


class CommitTree:
    """A `calzion.model.SourceTree`: the files below one directory of a commit."""

    def __init__(
        self,
        *,
        commit: str,
        root: str,
        directory: str,
        digest: str,
        git: Git,
        objects: Objects,
        list_tree: Callable[[str], Listing],
        limits: SourceLimits,
    ) -> None:
        self._commit = commit
        self._root = root
        self._directory = directory
        self._digest = digest
        self._git = git
        self._objects = objects
        self._list = list_tree
        self._limits = limits

    @property
    def digest(self) -> str:
        """The tree's object id."""
        return self._digest

    @property
    def commit(self) -> str:
        return self._commit

    def names(self) -> tuple[str, ...]:
        """The names at the root; directories, and the empty ones of submodules, end in '/'."""
        return tuple(os.fsdecode(name) + _suffix(mode) for name, mode, _ in self._list(self._digest))

    def read(self, path: str, limit: int = 1 << 20) -> bytes | None:
        """The bytes of a regular file, None where there is none. Raises ValueError beyond `limit` bytes."""
        return self._read(self._digest, path, limit)

    def submodules(self) -> tuple[Submodule, ...]:
        """Those below this directory, with the addresses that .gitmodules at the commit's root names.

        Raises CalzionError where that can't be read.
        """
        links = [entry for entry in self._entries if entry.is_submodule]
        if not links:
            return ()
        try:
            content = self._read(self._root, GITMODULES, MAX_SIZE) or b""
        except ValueError as error:
            raise CalzionError(f"{GITMODULES} is too large: {error}") from error
        return tuple(submodules(links, self._directory, list_settings(self._git, content)))

    def export(self, destination: Path) -> None:
        """Write every file below `destination`, an existing empty directory, as raw blobs.

        Raises CalzionError for what is too large or has names that can't be created.
        """
        export(self._entries, self._objects, destination, self._limits)

    @cached_property
    def _entries(self) -> list[Entry]:
        return list(walk(self._list, self._digest, self._limits))

    def _read(self, tree: str, path: str, limit: int) -> bytes | None:
        found = find(self._list, tree, path.split("/"))
        if found is None or not stat.S_ISREG(found[0]):
            return None
        return self._objects.read(found[1], limit)


def find(list_tree: Callable[[str], Listing], tree: str, parts: list[str]) -> tuple[int, str] | None:
    """Mode and object id of what a path names; None where nothing is there."""
    found: tuple[int, str] = (stat.S_IFDIR, tree)
    for part in parts:
        if not stat.S_ISDIR(found[0]):
            return None
        name = os.fsencode(part)
        following = next(((mode, entry) for each, mode, entry in list_tree(found[1]) if each == name), None)
        if following is None:
            return None
        found = following
    return found


def _suffix(mode: int) -> str:
    return "/" if stat.S_IFMT(mode) in (stat.S_IFDIR, 0o160000) else ""


def _no_file(commit: str, path: str, names: tuple[str, ...]) -> CalzionError:
    where = "at the root of" if "/" not in path else "in"
    similar = [name for name in names if name.lower() in ("template.yml", "template.yaml", "template.json")]
    hint = f"rename {similar[0]} to {path}" if similar else f"add {path}: it lists the services to run"
    return CalzionError(f"no {path} {where} {commit[:7]}", hint=hint, code="template")
