"""Names of git refs, as `git check-ref-format` defines them."""

from __future__ import annotations

import re

BRANCHES = "refs/heads/"
TAGS = "refs/tags/"
ZERO = "0" * 40
"""Stands for "no object": the old value of what is created, the new one of what is deleted."""

_OBJECT_ID = re.compile(r"[0-9a-f]{40}")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.$|/$")
MAX_LENGTH = 250


def is_object_id(text: str) -> bool:
    return _OBJECT_ID.fullmatch(text) is not None


def is_refname(ref: str) -> bool:
    """Whether `ref` is a full, well-formed ref name, which as a path never leaves the repository."""
    if not ref.startswith("refs/") or len(ref.encode(errors="replace")) > MAX_LENGTH:
        return False
    if _FORBIDDEN.search(ref):
        return False
    return not any(part.startswith(".") or part.endswith(".lock") for part in ref.split("/"))
