"""One bad push of a table: what is sent, and words that its pusher must be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.hostile.client import ZERO
from tests.hostile.pack import Thing, blob, commit, pack, tree

FILE, PROGRAM, LINK, DIRECTORY, SUBMODULE = b"100644", b"100755", b"120000", b"40000", b"160000"
TEMPLATE = blob(b"web: {git: .}\n")
REFUSED = blob(b"web: {git: nowhere}\n")
"""A template whose push is looked at to the end of reading, and never built."""
PROCFILE = blob(b"web: exec sleep 1000\n")
NOWHERE = b"\x11" * 20
CURRENT = "the commit that the branch is at"
"""As the old value of an update."""


@dataclass(frozen=True, kw_only=True)
class Push:
    updates: tuple[tuple[str, str, str], ...]
    pack: bytes = b""
    says: tuple[str, ...]
    options: tuple[bytes, ...] = ()
    shallow: tuple[str, ...] = ()


def creating(things: Sequence[Thing], *says: str, ref: str = "refs/heads/hostile") -> Push:
    """A push that creates `ref` at the last of `things`."""
    return Push(updates=((ZERO, things[-1].id, ref),), pack=pack(things), says=says)


def replacing(things: Sequence[Thing], *says: str) -> Push:
    """A push onto the deployment that is live."""
    return Push(updates=((CURRENT, things[-1].id, "refs/heads/steady"),), pack=pack(things), says=says)


def history(
    *files: tuple[bytes, bytes, Thing], template: Thing | None = TEMPLATE, procfile: Thing = PROCFILE
) -> list[Thing]:
    """The objects of a commit with (mode, name, what) each beside a template and a Procfile, in git's order."""
    given = [(FILE, b"Procfile", procfile), *files]
    if template is not None:
        given.append((FILE, b"template.yaml", template))
    root = tree(*sorted(((mode, name, what.raw) for mode, name, what in given), key=_order))
    return [*dict.fromkeys(what for _, _, what in given), root, commit(root.raw)]


def within(inner: Thing, *path: bytes) -> list[Thing]:
    """The directories around `inner`, the innermost first."""
    around: list[Thing] = []
    for name in reversed(path):
        inner = tree((DIRECTORY, name, inner.raw))
        around.append(inner)
    return around


def _order(entry: tuple[bytes, bytes, bytes]) -> bytes:
    return entry[1] + (b"/" if entry[0] == DIRECTORY else b"")
