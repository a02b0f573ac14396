"""Removes from a source what its .slugignore lists: slugignore.py DIRECTORY. Runs in the sandbox; stdlib alone.

The format is .gitignore's without '!': a pattern with a '/' that is not its last character counts from the root,
any other one at every depth; one that ends in '/' matches directories alone; '**' matches any directories.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

NAME = ".slugignore"
_ANY = "**"
_MOST = 1000


@dataclass(frozen=True)
class Pattern:
    """`parts` stand for the parts of a path, '**' for any number of them."""

    parts: tuple[str, ...]
    directories_alone: bool

    def matches(self, path: Sequence[str], *, is_directory: bool) -> bool:
        """Follows all ways of matching at once, so that no pattern takes long."""
        if self.directories_alone and not is_directory:
            return False
        reached = {0}
        for part in path:
            reached = {after for index in self._with_none(reached) for after in self._step(index, part)}
        return len(self.parts) in reached

    def _with_none(self, reached: set[int]) -> set[int]:
        """Where '**' stands for nothing. At the end of a pattern it stands for something below."""
        found = set(reached)
        for index in range(len(self.parts) - 1):
            if index in found and self.parts[index] == _ANY:
                found.add(index + 1)
        return found

    def _step(self, index: int, part: str) -> Iterator[int]:
        if index == len(self.parts):
            return
        if self.parts[index] == _ANY:
            yield index
            if index == len(self.parts) - 1:
                yield index + 1
        elif self._expressions[index].match(part):
            yield index + 1

    @cached_property
    def _expressions(self) -> list[re.Pattern[str]]:
        return [re.compile(fnmatch.translate(part)) for part in self.parts]


def parse_slugignore(content: bytes) -> tuple[list[Pattern], list[str]]:
    """The patterns, and the lines that can be none: negated ones, and those that lead out of the source."""
    patterns: list[Pattern] = []
    unusable: list[str] = []
    for line in content.decode("utf-8", "surrogateescape").splitlines()[:_MOST]:
        line = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        parts = tuple(part for part in line.split("/") if part not in ("", "."))
        if line.startswith("!") or ".." in parts or "\0" in line:
            unusable.append(line)
        elif parts:
            from_root = "/" in line.rstrip("/")
            patterns.append(Pattern(parts if from_root else (_ANY, *parts), line.endswith("/")))
    return patterns, unusable


def is_ignored(patterns: Sequence[Pattern], path: str) -> bool:
    """Whether the directory `path` is matched, or one that it lies in."""
    parts = path.split("/")
    return any(
        pattern.matches(parts[:count], is_directory=True)
        for count in range(1, len(parts) + 1)
        for pattern in patterns
    )


def remove_ignored(root: str, patterns: Sequence[Pattern]) -> None:
    """Links are removed where they match, and never followed."""
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        below = waiting.pop()
        with os.scandir(os.path.join(root, *below)) as entries:  # noqa: PTH118 (names need not be text)
            found = list(entries)
        for entry in found:
            path = (*below, entry.name)
            is_directory = entry.is_dir(follow_symlinks=False)
            if any(pattern.matches(path, is_directory=is_directory) for pattern in patterns):
                _remove(entry.path, is_directory)
            elif is_directory:
                waiting.append(path)


def _remove(path: str, is_directory: bool) -> None:
    if is_directory:
        shutil.rmtree(path)
    else:
        os.unlink(path)  # noqa: PTH108 (names need not be text)


def main(root: str) -> None:
    descriptor = os.open(f"{root}/{NAME}", os.O_RDONLY | os.O_NOFOLLOW)
    with open(descriptor, "rb") as file:  # noqa: PTH123 (a descriptor)
        patterns, unusable = parse_slugignore(file.read())
    for line in unusable:
        print(f"{NAME}: {line[:100]!a} is left out: patterns can't be negated, nor contain '..'")
    remove_ignored(root, patterns)


if __name__ == "__main__":
    main(sys.argv[1])
