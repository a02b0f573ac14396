"""The bare repositories: made by a first push, kept from the first accepted one on.

A repository without any ref is provisional: it is there for the pushes that run into it, and goes with the
last of them. Every user of a repository holds a shared lock on its directory, and so does the git process
that it runs, so that nothing is removed below a git that outlived its server.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from calzion.errors import CalzionError
from calzion.gitreceive.git import Git
from calzion.gitreceive.refname import BRANCHES
from calzion.gitreceive.refs import all_refs, current_ref, has_refs
from calzion.model import RepositoryName

_SCRATCH = "."
"""First character of directories in the making or unmaking; no repository's name begins so."""


@dataclass(frozen=True, kw_only=True)
class Repository:
    """`lock` is the descriptor that holds the shared lock; a child that inherits it holds the lock, too."""

    name: RepositoryName
    path: Path
    lock: int


class Repositories:
    """Below `root`, NAME.git each."""

    def __init__(self, root: Path, git: Git) -> None:
        self._root = root
        self._git = git

    @contextmanager
    def fetching(self, name: RepositoryName) -> Iterator[Repository]:
        """A repository to read from. Raises CalzionError (not_found) where nothing was accepted yet."""
        repository = self._open(name)
        if repository is None:
            raise _missing(name)
        try:
            if not has_refs(repository.path):
                raise _missing(name)
            yield repository
        finally:
            os.close(repository.lock)

    @contextmanager
    def receiving(self, name: RepositoryName) -> Iterator[Repository]:
        """A repository to push to, made where there is none; gone afterwards where no ref was accepted.

        Where root has written to it, it is as before the owner's of all of them, as whom the SSH server may run.
        """
        repository = self._open(name)
        while repository is None:
            self._create(name)
            repository = self._open(name)
        try:
            yield repository
        finally:
            self._settle(repository)
            self._hand_over(repository.path)
            os.close(repository.lock)

    def settle(self, name: RepositoryName) -> None:
        """Remove a repository, with its objects, whose last ref is gone."""
        if found := self._open(name):
            self._settle(found)
            os.close(found.lock)

    def sweep(self) -> None:
        """Remove what crashed pushes left. Raises OSError where the directory can't be used."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in sorted(self._root.iterdir()):
            if path.name.startswith(_SCRATCH):
                shutil.rmtree(path, ignore_errors=True)
            elif path.name.endswith(".git"):
                self.settle(RepositoryName(path.stem))

    def _path(self, name: RepositoryName) -> Path:
        return self._root / f"{name}.git"

    def _open(self, name: RepositoryName) -> Repository | None:
        path = self._path(name)
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        fcntl.flock(lock, fcntl.LOCK_SH)
        if _same(path, lock):
            return Repository(name=name, path=path, lock=lock)
        os.close(lock)
        return self._open(name)

    def _create(self, name: RepositoryName) -> None:
        scratch = self._scratch()
        self._run(self._git.init(scratch))
        try:
            scratch.rename(self._path(name))
        except OSError:
            # Another first push was faster; its repository serves both.
            shutil.rmtree(scratch, ignore_errors=True)
            if not self._path(name).is_dir():
                raise

    def _settle(self, repository: Repository) -> None:
        if has_refs(repository.path):
            self._point_head(repository.path)
            return
        try:
            fcntl.flock(repository.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if _same(repository.path, repository.lock) and not has_refs(repository.path):
            scratch = self._scratch()
            repository.path.rename(scratch)
            shutil.rmtree(scratch, ignore_errors=True)

    def _point_head(self, path: Path) -> None:
        """Have a clone check out a branch that is there: the one it did, or else the first by name."""
        _, _, target = (path / "HEAD").read_text(encoding="utf-8").strip().partition("ref: ")
        if current_ref(path, target) is None:
            branches = sorted(ref for ref in all_refs(path) if ref.startswith(BRANCHES))
            if branches:
                # Where another push is at it just now, git fails, and that is as well.
                self._run(self._git.set_head(path, branches[0]), check=False)

    def _hand_over(self, path: Path) -> None:
        owner = self._root.stat()
        if os.geteuid() != 0 or owner.st_uid == 0:
            return
        for _, _, files, directory in os.fwalk(path):
            for name in (".", *files):
                os.chown(name, owner.st_uid, owner.st_gid, dir_fd=directory, follow_symlinks=False)

    def _run(self, command: list[str], *, check: bool = True) -> None:
        errors = None if check else subprocess.DEVNULL
        subprocess.run(
            command, env=self._git.environment(), check=check, stdin=subprocess.DEVNULL, stderr=errors
        )

    def _scratch(self) -> Path:
        return self._root / f"{_SCRATCH}{secrets.token_hex(8)}"


def _same(path: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False


def _missing(name: RepositoryName) -> CalzionError:
    return CalzionError(f"no such repository: {name}", code="not_found", hint="push to create it")
