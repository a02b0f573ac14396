"""Git as exports and imports see it, in memory: a pack is a word, and a commit has one app."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from calzion.errors import CalzionError
from calzion.model import DeploymentName, SourceTree
from tests.fakes.builder import FakeTree

PACK = b"a pack"


class FakeHistories:
    """`branches` are those that were accepted: (repository, branch) -> commit."""

    def __init__(self, procfile: str) -> None:
        self.branches: dict[tuple[str, str], str] = {}
        self._procfile = procfile

    def shallow(self, repository: str) -> tuple[str, ...]:
        return ()

    def pack(self, repository: str, commits: Sequence[str], take: Callable[[bytes], None]) -> None:
        assert repository and commits
        take(PACK)

    def unpack(self, pack: Path, commits: Sequence[str], shallow: Sequence[str], scratch: Path) -> None:
        assert commits and not shallow
        if pack.read_bytes() != PACK:
            raise CalzionError("its commits are damaged", code="usage")
        scratch.mkdir()

    def open(self, scratch: Path, commit: str, directory: str) -> AbstractContextManager[SourceTree]:
        assert scratch.is_dir() and directory
        tree: SourceTree = FakeTree(self._procfile, commit)
        return nullcontext(tree)

    def accept(self, scratch: Path, repository: str, branch: DeploymentName, commit: str) -> None:
        assert scratch.is_dir()
        self.branches[repository, branch] = commit
