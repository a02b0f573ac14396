"""Object ids of git, computed from files: blobs and trees as gitformat-pack(5) and git-hash-object(1) name them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

DIRECTORY, LINK, PROGRAM, FILE = "directory", "link", "program", "file"
_MODES = {DIRECTORY: b"40000", LINK: b"120000", PROGRAM: b"100755", FILE: b"100644"}
_CHUNK = 1 << 18


def tree_id(root: Path, entries: Iterable[tuple[str, str]]) -> str:
    """The id of the tree that git would write for `entries`, relative paths below `root` with their kinds.

    A directory stands before what is in it. Git knows no empty directories, and neither does the id.
    """
    listings: dict[str, list[tuple[bytes, bytes]]] = {"": []}
    for path, kind in reversed(list(entries)):
        if kind == DIRECTORY:
            listing = listings.pop(path, None)
            if listing is None:
                continue
            object_id = _tree(listing)
        else:
            object_id = _blob(root / path, kind)
        parent, _, name = path.rpartition("/")
        encoded = os.fsencode(name)
        # Git sorts a directory as if its name ended in a slash.
        order = encoded + b"/" if kind == DIRECTORY else encoded
        entry = _MODES[kind] + b" " + encoded + b"\0" + object_id
        listings.setdefault(parent, []).append((order, entry))
    return _tree(listings[""]).hex()


def _tree(listing: list[tuple[bytes, bytes]]) -> bytes:
    content = b"".join(entry for _, entry in sorted(listing))
    return hashlib.sha1(b"tree %d\0" % len(content) + content, usedforsecurity=False).digest()


def _blob(path: Path, kind: str) -> bytes:
    if kind == LINK:
        # A Path would lose a slash at the end of the target.
        target = os.fsencode(os.readlink(path))  # noqa: PTH115
        return hashlib.sha1(b"blob %d\0" % len(target) + target, usedforsecurity=False).digest()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()
