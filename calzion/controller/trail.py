"""The audit trail's chain: every record holds the digest of the one before it. Pure.

Whoever changes, removes or inserts a record in the middle breaks the chain at that place. Whoever can write to the
store can also write all records from some place on anew; that shows against a head that was noted elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from calzion.controller.actor import Actor

ROOT = ""
"""What the very first record holds in place of a digest."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """A record as it is kept: `text` is JSON, and `digest` SHA-256 of it in hexadecimal digits."""

    number: int
    text: str
    digest: str

    def line(self) -> str:
        """As a file has it."""
        return json.dumps({"number": self.number, "digest": self.digest, "record": self.text})

    @classmethod
    def parse(cls, line: str) -> Self:
        """Raises ValueError, KeyError or TypeError for what `line` did not write."""
        data = json.loads(line)
        return cls(number=int(data["number"]), text=str(data["record"]), digest=str(data["digest"]))

    def view(self) -> dict[str, Any]:
        """What users are shown."""
        return {**json.loads(self.text), "digest": self.digest}


def link(
    previous: Link | None,
    *,
    now: float,
    who: Actor,
    act: str,
    outcome: str,
    on: str,
    detail: Mapping[str, Any],
) -> Link:
    """The next record. `on` is the deployment, '' where it is about none; `now` seconds since the epoch."""
    record = {
        "number": previous.number + 1 if previous else 1,
        "time": now,
        "user": who.user,
        "via": who.via,
        "address": who.address,
        "key": who.key,
        "act": act,
        "outcome": outcome,
        "deployment": on,
        "detail": detail,
        "previous": previous.digest if previous else ROOT,
    }
    text = json.dumps(record, ensure_ascii=True)
    return Link(number=int(str(record["number"])), text=text, digest=_digest(text))


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`first` and `head` are the ends of what was looked at, None where there is nothing at all.

    `broken` is the number of the first record that does not fit, 0 where all do; `reason` says what is wrong with it.
    """

    records: int
    first: Link | None
    head: Link | None
    broken: int = 0
    reason: str = ""


def inspect(links: Iterable[Link], known: tuple[int, str] | None = None) -> Finding:
    """Go along the chain from its oldest record, up to where it breaks.

    `known` is a number and a digest (or its beginning) that were noted earlier.
    """
    first: Link | None = None
    head: Link | None = None
    count, met = 0, known is None
    for each in links:
        if reason := _misfit(head, each) or _changed_since(known, each):
            return Finding(records=count, first=first, head=head, broken=each.number, reason=reason)
        first, head, count = first or each, each, count + 1
        met = met or (known is not None and known[0] == each.number)
    if known and not met and (head is None or known[0] > head.number):
        reason = "the trail ends before it: records were removed at its end"
        return Finding(records=count, first=first, head=head, broken=known[0], reason=reason)
    return Finding(records=count, first=first, head=head)


def _misfit(before: Link | None, each: Link) -> str:
    if _digest(each.text) != each.digest:
        return "it was changed: its digest is another one"
    try:
        record = json.loads(each.text)
        number, previous = record["number"], record["previous"]
    except (ValueError, KeyError, TypeError):
        return "it is no record"
    if number != each.number:
        return f"it was moved: it says that it is number {number}"
    if before is None:
        return "" if (number == 1) == (previous == ROOT) else "it can't be the first one"
    if number != before.number + 1:
        return (
            f"{number - before.number - 1} before it are missing"
            if number > before.number
            else "it comes twice"
        )
    return "" if previous == before.digest else "the one before it was changed, or put in its place"


def _changed_since(known: tuple[int, str] | None, each: Link) -> str:
    if known and known[0] == each.number and not each.digest.startswith(known[1]):
        return "it is another one than the one that was noted"
    return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
