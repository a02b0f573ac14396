"""Commits and trees as git stores them (git-cat-file(1), gitformat-pack(5)). Pure.

They are read leniently: what old tools wrote, with modes and dates that git warns of, is a commit all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TREE = re.compile(rb"tree ([0-9a-f]{40})\n")
_ENTRY = re.compile(rb"([0-7]{1,7}) ([^\0]*)\0(.{20})", re.DOTALL)


def tree_of(commit: bytes) -> str:
    """The id of a commit's tree. Raises ValueError where the content is no commit's."""
    found = _TREE.match(commit)
    if not found:
        raise ValueError("it begins with no tree")
    return found[1].decode()


def entries_of(tree: bytes) -> Iterator[tuple[bytes, int, str]]:
    """(name, mode, object id) each, read as they are asked for. Raises ValueError where the content is no tree's."""
    at = 0
    while at < len(tree):
        found = _ENTRY.match(tree, at)
        if not found:
            raise ValueError(f"its entry at byte {at} can't be read")
        at = found.end()
        yield found[2], int(found[1], 8), found[3].hex()
