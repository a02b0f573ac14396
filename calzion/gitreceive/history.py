"""Whole histories that leave a repository as a pack, and come to one: see calzion.controller.moving.history."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from calzion.durable import sync_directory
from calzion.errors import CalzionError
from calzion.gitreceive.entries import SourceLimits
from calzion.gitreceive.git import Git
from calzion.gitreceive.refname import BRANCHES
from calzion.gitreceive.repository import Repositories
from calzion.gitreceive.source import CommitTree, open_push
from calzion.model import DeploymentName, RepositoryName

_CHUNK = 1 << 18
_MAX_PACK = 64 << 30


class GitHistories:
    """Of the repositories below `root`."""

    def __init__(self, root: Path, limits: SourceLimits | None = None) -> None:
        self._root = root
        self._limits = limits
        self._git = Git.find()
        self._repositories = Repositories(root, self._git)

    def shallow(self, repository: str) -> tuple[str, ...]:
        return _shallow(self._root / f"{repository}.git")

    def pack(self, repository: str, commits: Sequence[str], take: Callable[[bytes], None]) -> None:
        with self._repositories.fetching(RepositoryName(repository)) as found:
            self._pack(found.path, commits, take)

    def unpack(self, pack: Path, commits: Sequence[str], shallow: Sequence[str], scratch: Path) -> None:
        self._run(self._git.init(scratch), "no repository can be made")
        if shallow:
            (scratch / "shallow").write_text("".join(f"{commit}\n" for commit in shallow))
        with pack.open("rb") as file:
            command = self._git.index_pack(scratch, _MAX_PACK)
            self._run(command, "its commits are damaged", stdin=file.fileno())
        self._run(self._git.connected(scratch, commits), "its commits are not whole")

    @contextmanager
    def open(self, scratch: Path, commit: str, directory: str) -> Iterator[CommitTree]:
        with open_push(scratch, limits=self._limits) as commits:
            yield commits.tree(commit, directory)

    def accept(self, scratch: Path, repository: str, branch: DeploymentName, commit: str) -> None:
        with self._repositories.receiving(RepositoryName(repository)) as found:
            self._mark_shallow(found.path, _shallow(scratch))
            _move_packs(scratch / "objects" / "pack", found.path / "objects" / "pack")
            command = self._git.set_ref(found.path, f"{BRANCHES}{branch}", commit)
            self._run(command, f"the branch {branch} of {repository} can't be set")

    def _pack(self, path: Path, commits: Sequence[str], take: Callable[[bytes], None]) -> None:
        process = subprocess.Popen(
            self._git.pack_objects(path),
            env=self._git.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            with suppress(BrokenPipeError), process.stdin as wanted:
                wanted.write("".join(f"{commit}\n" for commit in commits).encode())
            while data := process.stdout.read(_CHUNK):
                take(data)
        except BaseException:
            process.kill()
            raise
        finally:
            process.stdout.close()
            status = process.wait()
        if status != 0:
            raise CalzionError(
                f"the commits of {path.stem} can't be read: git ended with {status}",
                hint="push them again from a complete clone",
            )

    def _mark_shallow(self, path: Path, commits: Sequence[str]) -> None:
        """Before its objects come: whether the repository knows more of a commit can be told only now."""
        known = _shallow(path)
        added = [commit for commit in commits if commit not in known and not self._has(path, commit)]
        if added:
            scratch = path / "shallow.lock"  # git's own name, so that no push writes to it meanwhile
            with scratch.open("x") as file:
                file.write("".join(f"{commit}\n" for commit in sorted({*known, *added})))
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(path / "shallow")

    def _has(self, path: Path, commit: str) -> bool:
        command = self._git.has_object(path, commit)
        done = subprocess.run(command, env=self._git.environment(), capture_output=True, check=False)
        return done.returncode == 0

    def _run(self, command: list[str], what: str, stdin: int = subprocess.DEVNULL) -> None:
        done = subprocess.run(
            command, env=self._git.environment(), stdin=stdin, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise CalzionError(
                f"{what}: {done.stderr.strip()[-300:] or f'git ended with {done.returncode}'}",
                hint="export the deployment again with 'calzion export'",
                code="usage",
            )


def _shallow(path: Path) -> tuple[str, ...]:
    try:
        return tuple((path / "shallow").read_text().split())
    except FileNotFoundError:
        return ()


def _move_packs(source: Path, target: Path) -> None:
    """Git looks for a pack by its index, so that comes last."""
    target.mkdir(exist_ok=True)
    for path in sorted(source.iterdir(), key=lambda path: path.suffix == ".idx"):
        there = target / path.name
        if not there.exists():
            shutil.copy2(path, scratch := target / f"tmp_{path.name}")
            with scratch.open("rb") as file:
                os.fsync(file.fileno())
            scratch.replace(there)
    sync_directory(target)
