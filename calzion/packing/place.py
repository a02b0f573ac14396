"""Where the code that a template's `git:` names is on the user's machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from calzion.errors import CalzionError
from calzion.packing.file import PackedFile
from calzion.packing.usergit import UserGit
from calzion.packing.worktree import WorkTree, lying


@dataclass(frozen=True, kw_only=True)
class Place:
    """A directory, and the work tree that it lies in: `inside` is relative to its top."""

    directory: Path
    inside: str = "."
    worktree: WorkTree | None = None

    def holds(self, path: str) -> bool:
        """Whether a path of the work tree lies in the directory."""
        return self.inside == "." or path == self.inside or path.startswith(f"{self.inside}/")

    def files(self, *, as_it_is: bool) -> Iterator[PackedFile]:
        """What HEAD has, or what lies there. Raises CalzionError at once for what can't be packed."""
        if self.worktree is None:
            return lying(self.directory, _all_below(self.directory))
        if as_it_is:
            return chain.from_iterable(self.worktree.present(self.inside))
        tree = self.worktree.tree(self.worktree.head(), self.inside)
        if tree is None:
            raise CalzionError(f"{self.inside} is not committed", code="template")
        return chain.from_iterable(self.worktree.committed(tree, self.inside))


@dataclass(frozen=True, kw_only=True)
class Surveyor:
    """Finds places. `template` is the template's directory, `search` are directories to look into further."""

    git: UserGit
    template: Path
    worktree: WorkTree | None
    search: Sequence[Path]
    as_it_is: bool

    @property
    def root(self) -> Path:
        """What paths in a template are relative to."""
        return self.worktree.top if self.worktree else self.template

    def find(self, written: str) -> Place:
        """Raises CalzionError (template) where there is no such directory, or it is not committed."""
        if ".." in written.split("/"):
            return self._elsewhere(self.template / written, written)
        if self.worktree and not self.as_it_is:
            if self.worktree.tree(self.worktree.head(), written):
                return Place(directory=self.root / written, inside=written, worktree=self.worktree)
        elif (self.root / written).is_dir():
            return self._elsewhere(self.root / written, written)
        return self._further(written)

    def _further(self, written: str) -> Place:
        here = self.root / written
        # A submodule's directory belongs to another work tree.
        for directory in (here, *(each / written for each in self.search)):
            if directory.is_dir() and not (directory == here and self._holds(here)):
                return self._elsewhere(directory, written)
        if here.is_dir():
            raise _uncommitted(written)
        looked = [str(each) for each in (self.root, *self.search)]
        raise CalzionError(
            f"there is no directory {written} in {', '.join(looked)}",
            hint="name one of the repository ('.' is its root), or a directory to look into: --search-path DIR",
            code="template",
        )

    def _holds(self, directory: Path) -> bool:
        found = WorkTree.find(directory, self.git)
        return found is not None and found == self.worktree

    def _elsewhere(self, directory: Path, written: str) -> Place:
        if not directory.is_dir():
            raise CalzionError(f"there is no directory {directory}", code="template")
        found = WorkTree.find(directory, self.git)
        if found is None:
            return Place(directory=directory.resolve())
        inside = os.path.relpath(directory.resolve(), found.top.resolve())
        if not self.as_it_is and found.tree(found.head(), inside) is None:
            raise _uncommitted(written)
        return Place(directory=directory.resolve(), inside=inside, worktree=found)


def _uncommitted(written: str) -> CalzionError:
    return CalzionError(
        f"the directory {written} is not committed",
        hint="commit it, or take it as it is: --working-tree",
        code="template",
    )


def _all_below(directory: Path) -> list[bytes]:
    """Every file and link, git's own left out."""
    root = os.fsencode(directory)
    names: list[bytes] = []
    for above, directories, files in os.walk(root):
        directories[:] = sorted(name for name in directories if name != b".git")
        links = [name for name in directories if os.path.islink(above + b"/" + name)]  # noqa: PTH114
        names += [(above + b"/" + name)[len(root) + 1 :] for name in sorted(files + links)]
    return names
