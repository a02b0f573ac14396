"""Object ids of git, computed from files: blobs and trees as gitformat-pack(5) and git-hash-object(1) name them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

DIRECTORY, LINK, PROGRAM, FILE = "directory", "link", "program", "file"
_MODES = {DIRECTORY: b"40000", LINK: b"120000", PROGRAM: b"100755", FILE: b"100644"}
_CHUNK = 1 << 18


def tree_id(blobs: Mapping[bytes, tuple[str, bytes]]) -> str:
    """The id of the tree that git would write for files and links: relative path -> kind and `blob_id`."""
    listings: dict[bytes, list[tuple[bytes, bytes]]] = {b"": []}
    for path, (kind, object_id) in blobs.items():
        parent = path.rpartition(b"/")[0]
        _list(listings.setdefault(parent, []), path, kind, object_id)
        while parent and (parent := parent.rpartition(b"/")[0]) not in listings:
            listings[parent] = []
    # The root lies above everything, however deep that is.
    directories = sorted(filter(None, listings), key=lambda path: path.count(b"/"), reverse=True)
    for directory in directories:
        parent = directory.rpartition(b"/")[0]
        _list(listings[parent], directory, DIRECTORY, _tree(listings[directory]))
    return _tree(listings[b""]).hex()


def blob_id(size: int, parts: Iterable[bytes]) -> bytes:
    """The id of a file's content, or of a link's target, of `size` bytes."""
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.digest()


def blob_of(path: Path, kind: str) -> bytes:
    """The id of what lies there."""
    if kind == LINK:
        # A Path would lose a slash at the end of the target.
        target = os.fsencode(os.readlink(path))  # noqa: PTH115
        return blob_id(len(target), [target])
    with path.open("rb") as file:
        return blob_id(os.fstat(file.fileno()).st_size, iter(lambda: file.read(_CHUNK), b""))


def _list(listing: list[tuple[bytes, bytes]], path: bytes, kind: str, object_id: bytes) -> None:
    name = path.rpartition(b"/")[2]
    # Git sorts a directory as if its name ended in a slash.
    order = name + b"/" if kind == DIRECTORY else name
    listing.append((order, _MODES[kind] + b" " + name + b"\0" + object_id))


def _tree(listing: list[tuple[bytes, bytes]]) -> bytes:
    content = b"".join(entry for _, entry in sorted(listing))
    return hashlib.sha1(b"tree %d\0" % len(content) + content, usedforsecurity=False).digest()
