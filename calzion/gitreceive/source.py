"""Reads commits with dulwich: those of a push that git has not accepted yet, and those of a repository."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from dulwich.objects import Commit, ObjectID, ShaFile, Tag, Tree
from dulwich.repo import Repo

from calzion.errors import CalzionError
from calzion.gitreceive.blobs import Blobs
from calzion.gitreceive.entries import Entry, Listing, walk
from calzion.gitreceive.export import ExportLimits, export
from calzion.gitreceive.git import Git
from calzion.gitreceive.submodules import GITMODULES, MAX_SIZE, list_settings, submodules
from calzion.model import Submodule

_Kind = TypeVar("_Kind", bound=ShaFile)


def open_push(repository: Path | str, quarantine: Path | str = "", git: Git | None = None) -> Commits:
    """Open a bare repository; with the quarantine of a running push, its objects are there too.

    After the push the same commits are read without a quarantine.
    """
    return Commits(Path(repository), Path(quarantine) if quarantine else None, git or Git.find())


@contextmanager
def open_commit(repositories: Path, repository: str, commit: str, directory: str) -> Iterator[CommitTree]:
    """A directory of a commit that was pushed. Raises CalzionError where it is not there any more."""
    path = repositories / f"{repository}.git"
    if not path.is_dir():
        raise CalzionError(f"there is no repository {repository}", code="not_found")
    with open_push(path) as commits:
        yield commits.tree(commit, directory)


class Commits:
    """Safe to use from several threads; to be closed, or used in a `with`."""

    def __init__(self, repository: Path, quarantine: Path | None, git: Git) -> None:
        self._lock = threading.RLock()
        self._git = git
        self._repo = _open(repository, quarantine)
        self._blobs = Blobs(git, repository, quarantine)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._blobs.close()
        with self._lock:
            self._repo.close()

    def read(self, commit: str, path: str, limit: int = 1 << 20) -> bytes:
        """A file of a commit. Raises CalzionError (template) where there is none within `limit` bytes."""
        tree = self.tree(commit)
        try:
            content = tree.read(path, limit)
        except ValueError as error:
            raise CalzionError(f"{path} of {commit[:7]} is too large: {error}", code="template") from None
        if content is None:
            raise _no_file(commit, path, tree.names())
        return content

    def tree(self, commit: str, directory: str = ".", limits: ExportLimits | None = None) -> CommitTree:
        """A directory of a commit. Raises CalzionError (template) where there is none."""
        root = _expect(self._object(commit), Commit, commit).tree.decode()
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
            blobs=self._blobs,
            list_tree=self._list,
            limits=limits or ExportLimits(),
        )

    def _list(self, tree: str) -> Listing:
        found = _expect(self._object(tree), Tree, tree)
        return [(entry.path, entry.mode, entry.sha.decode()) for entry in found.items()]

    def _object(self, object_id: str) -> ShaFile:
        with self._lock:
            try:
                return self._repo.object_store[ObjectID(object_id.encode())]
            except KeyError:
                raise CalzionError(
                    f"the repository lacks {object_id}", hint="push from a complete clone"
                ) from None


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
        blobs: Blobs,
        list_tree: Callable[[str], Listing],
        limits: ExportLimits,
    ) -> None:
        self._commit = commit
        self._root = root
        self._directory = directory
        self._digest = digest
        self._git = git
        self._blobs = blobs
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
        export(self._entries, self._blobs, destination, self._limits)

    @cached_property
    def _entries(self) -> list[Entry]:
        return list(walk(self._list, self._digest, limit=self._limits.entries))

    def _read(self, tree: str, path: str, limit: int) -> bytes | None:
        found = find(self._list, tree, path.split("/"))
        if found is None or not stat.S_ISREG(found[0]):
            return None
        return self._blobs.read(found[1], limit)


def find(list_tree: Callable[[str], Listing], tree: str, parts: list[str]) -> tuple[int, str] | None:
    """Mode and object id of what a path names; None where nothing is there."""
    found: tuple[int, str] = (stat.S_IFDIR, tree)
    for part in parts:
        if not stat.S_ISDIR(found[0]):
            return None
        listing = {name: (mode, object_id) for name, mode, object_id in list_tree(found[1])}
        following = listing.get(os.fsencode(part))
        if following is None:
            return None
        found = following
    return found


def _open(repository: Path, quarantine: Path | None) -> Repo:
    if quarantine is None:
        return Repo(str(repository))
    return Repo(str(repository), object_directory=quarantine, alternates=[repository / "objects"])


def _expect(found: ShaFile, kind: type[_Kind], name: str) -> _Kind:
    if isinstance(found, kind):
        return found
    hint = f"push the commit itself: {name[:12]}^{{commit}}" if isinstance(found, Tag) else ""
    noun = kind.__name__.lower()
    raise CalzionError(f"{name[:12]} is no {noun} but a {found.type_name.decode()}", hint=hint)


def _suffix(mode: int) -> str:
    return "/" if stat.S_IFMT(mode) in (stat.S_IFDIR, 0o160000) else ""


def _no_file(commit: str, path: str, names: tuple[str, ...]) -> CalzionError:
    where = "at the root of" if "/" not in path else "in"
    similar = [name for name in names if name.lower() in ("template.yml", "template.yaml", "template.json")]
    hint = f"rename {similar[0]} to {path}" if similar else f"add {path}: it lists the services to run"
    return CalzionError(f"no {path} {where} {commit[:7]}", hint=hint, code="template")
