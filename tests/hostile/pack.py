"""Packs written by hand (gitformat-pack(5)), so that they can hold what no git would write."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

COMMIT, TREE, BLOB, TAG, REF_DELTA = 1, 2, 3, 4, 7
_NOUNS = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob", TAG: b"tag"}
WHO = b"a <a@example.org> 1700000000 +0000"


@dataclass(frozen=True)
class Thing:
    """An object. `declared` is the size that the pack says it has, where that is not the truth."""

    kind: int
    data: bytes
    base: bytes = b""
    declared: int | None = None

    @cached_property
    def raw(self) -> bytes:
        return hashlib.sha1(b"%s %d\0" % (_NOUNS[self.kind], len(self.data)) + self.data).digest()

    @property
    def id(self) -> str:
        return self.raw.hex()


def blob(data: bytes) -> Thing:
    return Thing(BLOB, data)


def tree(*entries: tuple[bytes, bytes, bytes]) -> Thing:
    """Of (mode, name, id) each, in the order they come in."""
    return Thing(TREE, b"".join(b"%s %s\0%s" % entry for entry in entries))


def commit(root: bytes, *parents: str, author: bytes = WHO) -> Thing:
    above = b"".join(b"parent %s\n" % parent.encode() for parent in parents)
    return Thing(
        COMMIT, b"tree %s\n%sauthor %s\ncommitter %s\n\nx\n" % (root.hex().encode(), above, author, WHO)
    )


def delta(base: bytes, base_size: int, size: int, instructions: bytes) -> Thing:
    return Thing(REF_DELTA, _number(base_size) + _number(size) + instructions, base=base)


def pack(things: Sequence[Thing], *, count: int | None = None) -> bytes:
    """A whole pack; `count` is how many objects it says it holds."""
    body = b"PACK" + struct.pack(">II", 2, len(things) if count is None else count)
    body += b"".join(map(_packed, things))
    return body + hashlib.sha1(body).digest()


def _packed(thing: Thing) -> bytes:
    size = len(thing.data) if thing.declared is None else thing.declared
    first, size = thing.kind << 4 | size & 15, size >> 4
    head = bytearray()
    while size:
        head.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    head.append(first)
    return bytes(head) + thing.base + zlib.compress(thing.data, 1)


def _number(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(found) + bytes([value])
