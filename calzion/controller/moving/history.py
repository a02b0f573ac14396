"""What exports and imports ask of git."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from calzion.model import DeploymentName, SourceTree


class Histories(Protocol):
    """Commits of pushed repositories with everything that they come from."""

    def shallow(self, repository: str) -> tuple[str, ...]:
        """The commits at which the repository's history ends although it goes on."""

    def pack(self, repository: str, commits: Sequence[str], take: Callable[[bytes], None]) -> None:
        """Have `take` called with a pack (gitformat-pack(5)). Raises CalzionError where a commit is gone."""

    def unpack(self, pack: Path, commits: Sequence[str], shallow: Sequence[str], scratch: Path) -> None:
        """Make `scratch`, which is not there yet, a repository of a pack that nobody trusts.

        Raises CalzionError (usage) where that is damaged, or lacks something that the commits come from.
        """

    def open(self, scratch: Path, commit: str, directory: str) -> AbstractContextManager[SourceTree]:
        """A directory of a commit that was unpacked. Raises CalzionError (template) where there is none."""

    def accept(self, scratch: Path, repository: str, branch: DeploymentName, commit: str) -> None:
        """Have the repository, made where it is missing, hold all of `scratch`, and its branch the commit.

        Doing it again is no error, also after a crash in the middle.
        """
