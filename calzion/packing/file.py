"""One file on its way into an archive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PackedFile:
    """`mode` is git's; `parts` are `size` bytes, a link's target for a link, read before the next file is asked for."""

    path: bytes
    mode: int
    size: int
    parts: Iterator[bytes]
