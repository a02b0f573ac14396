"""A work tree of the user's: what is committed in it, and what lies in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from calzion.errors import CalzionError
from calzion.gitreceive.objects import Objects
from calzion.packing.file import PackedFile
from calzion.packing.usergit import Refused, UserGit

_GITLINK = 0o160000


@dataclass(frozen=True, kw_only=True)
class Change:
    """One file that is not as in HEAD: `how` are git's two letters, `path` is relative to the top."""

    how: str
    path: str

    def __str__(self) -> str:
        return f"{self.how} {self.path}"


@dataclass(frozen=True, kw_only=True)
class WorkTree:
    top: Path
    git_dir: Path
    git: UserGit

    @classmethod
    def find(cls, directory: Path, git: UserGit) -> WorkTree | None:
        """The work tree that `directory` lies in. Raises CalzionError where git refuses to look at it."""
        try:
            answer = git.ask(directory, "rev-parse", "--show-toplevel", "--absolute-git-dir")
        except Refused as refused:
            if "not a git repository" in refused.message:
                return None
            raise
        top, git_dir = os.fsdecode(answer).rstrip("\n").split("\n")
        return cls(top=Path(top), git_dir=Path(git_dir), git=git)

    def head(self) -> str:
        """The commit that is checked out. Raises CalzionError where there is none yet."""
        try:
            return self._line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        except Refused:
            raise CalzionError(
                f"{self.top} has no commit yet",
                hint="commit what is to be deployed, or take it as it is: --working-tree",
            ) from None

    def tree(self, commit: str, directory: str) -> str | None:
        """The id of a directory's tree, None where the commit has no such directory of its own."""
        name = f"{commit}^{{tree}}" if directory == "." else f"{commit}:{directory}"
        try:
            found = self._line("rev-parse", "--verify", "--quiet", name)
            return found if self._line("cat-file", "-t", found) == "tree" else None
        except Refused:
            return None

    def changes(self) -> list[Change]:
        """Every file that is not as in HEAD, also those that git does not know yet; ignored ones are none."""
        listed = self.git.ask(
            self.top, "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all"
        )
        return [
            Change(how=os.fsdecode(line[:2]), path=os.fsdecode(line[3:]))
            for line in listed.split(b"\0")
            if line
        ]

    def committed(self, tree: str, directory: str) -> list[Iterator[PackedFile]]:
        """The files of a tree that stands at `directory`, with what its submodules have at the recorded commits.

        They are listed at once and read when they are asked for. Raises CalzionError for a missing submodule.
        """
        listed = self.git.ask(self.top, "ls-tree", "-r", "-z", "--full-tree", tree)
        entries = [_entry(line) for line in listed.split(b"\0") if line]
        files = [entry for entry in entries if entry[0] != _GITLINK]
        packed = [self._read(files)]
        for mode, object_id, path in entries:
            if mode == _GITLINK:
                inner = self._submodule(directory, os.fsdecode(path), object_id)
                packed += [_below(path, part) for part in inner]
        return packed

    def present(self, directory: str) -> list[Iterator[PackedFile]]:
        """The files that lie in `directory`: those git knows and those it does not ignore, as they are."""
        listed = self.git.ask(
            self.top / directory, "ls-files", "--cached", "--others", "--exclude-standard", "-z"
        )
        names = sorted({name.rstrip(b"/") for name in listed.split(b"\0") if name})
        here = self.top / directory
        packed = [lying(here, [name for name in names if not _is_directory(here, name)])]
        for name in names:
            if _is_directory(here, name):
                packed += [_below(name, part) for part in self._nested(directory, os.fsdecode(name))]
        return packed

    def _read(self, files: list[tuple[int, str, bytes]]) -> Iterator[PackedFile]:
        objects = Objects(self.git, self.git_dir, None)
        contents = objects.stream([object_id for _, object_id, _ in files])
        for (mode, _, path), (size, parts) in zip(files, contents, strict=True):
            yield PackedFile(path=path, mode=mode, size=size, parts=parts)

    def _submodule(self, directory: str, path: str, commit: str) -> list[Iterator[PackedFile]]:
        inner = self._repository_at(directory, path)
        tree = inner.tree(commit, ".")
        if tree is None:
            raise CalzionError(
                f"the submodule {path} lacks the commit {commit[:7]}", hint="git submodule update --init"
            )
        return inner.committed(tree, ".")

    def _nested(self, directory: str, path: str) -> list[Iterator[PackedFile]]:
        return self._repository_at(directory, path).present(".")

    def _repository_at(self, directory: str, path: str) -> WorkTree:
        place = self.top / directory / path
        found = WorkTree.find(place, self.git) if place.is_dir() else None
        if found is None or found.top.resolve() != place.resolve():
            raise CalzionError(
                f"the submodule {path} is not checked out", hint="git submodule update --init --recursive"
            )
        return found

    def _line(self, *arguments: str) -> str:
        return self.git.ask(self.top, *arguments).decode(errors="replace").strip()


def lying(directory: Path, names: list[bytes]) -> Iterator[PackedFile]:
    """Files and links as they lie in a directory. One that is gone, or behind a link, is left out."""
    root = os.fsencode(directory)
    for name in names:
        path = root + b"/" + name
        if _behind_link(root, name) or not os.path.lexists(path):
            continue
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            target = os.readlink(path)  # noqa: PTH115  # a Path would change the target
            yield PackedFile(path=name, mode=0o120000, size=len(target), parts=iter([target]))
        elif stat.S_ISREG(mode):
            yield from _opened(path, name)


def _opened(path: bytes, name: bytes) -> Iterator[PackedFile]:
    with open(path, "rb") as file:  # noqa: PTH123  # bytes, not text
        state = os.fstat(file.fileno())
        mode = 0o100755 if state.st_mode & 0o100 else 0o100644
        yield PackedFile(
            path=name, mode=mode, size=state.st_size, parts=iter(lambda: file.read(1 << 18), b"")
        )


def _entry(line: bytes) -> tuple[int, str, bytes]:
    """`MODE TYPE ID<TAB>PATH`"""
    facts, _, path = line.partition(b"\t")
    mode, _, object_id = facts.split(b" ")
    return int(mode, 8), object_id.decode(), path


def _below(path: bytes, files: Iterator[PackedFile]) -> Iterator[PackedFile]:
    for file in files:
        yield PackedFile(path=path + b"/" + file.path, mode=file.mode, size=file.size, parts=file.parts)


def _is_directory(root: Path, name: bytes) -> bool:
    path = os.fsencode(root) + b"/" + name
    return os.path.isdir(path) and not os.path.islink(path)  # noqa: PTH112, PTH114  # bytes, not text


def _behind_link(root: bytes, name: bytes) -> bool:
    parts = name.split(b"/")[:-1]
    above = (b"/".join(parts[: length + 1]) for length in range(len(parts)))
    return any(os.path.islink(root + b"/" + path) for path in above)  # noqa: PTH114  # bytes, not text
