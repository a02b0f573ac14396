"""The whole audit trail: the newest records in the store, the older ones in files that may be moved elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from calzion.controller.store import audit
from calzion.controller.store.database import Database
from calzion.controller.trail import Finding, Link, inspect
from calzion.durable import replace_private

KEPT = 50_000
"""Records that stay in the store; as many more are moved to a file at once. One takes some 500 bytes."""


class AuditBook:
    """`directory` holds the files, FIRST-LAST.jsonl each."""

    def __init__(self, database: Database, directory: Path, kept: int = KEPT) -> None:
        self._database = database
        self._directory = directory
        self._kept = kept

    def latest(self, most: int, *, deployment: str = "", user: str = "") -> list[Link]:
        """Of those in the store, the newest first."""
        with self._database.read() as connection:
            return audit.latest(connection, most, deployment=deployment, user=user)

    def inspect(self, known: tuple[int, str] | None = None) -> Finding:
        """Look at every record that is here. Files that were moved away are no break at the beginning."""
        with self._database.read() as connection:
            return inspect(self._links(audit.oldest_first(connection)), known)

    def rotate(self) -> None:
        """Move the oldest records to a file where there are twice as many as are kept.

        A crash in between leaves them in both, and the same file is written again. Raises OSError where it can't be.
        """
        with self._database.read() as connection:
            if audit.count(connection) < 2 * self._kept:
                return
            oldest = list(islice(audit.oldest_first(connection), self._kept))
        self._write(oldest)
        with self._database.write() as connection:
            audit.remove_up_to(connection, oldest[-1].number)

    def _write(self, links: Sequence[Link]) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._directory / f"{links[0].number:012}-{links[-1].number:012}.jsonl"
        replace_private(path, "".join(f"{each.line()}\n" for each in links).encode())

    def _links(self, stored: Iterator[Link]) -> Iterator[Link]:
        """The files', then the store's; a record that is in both, once."""
        last = 0
        for path in sorted(self._directory.glob("*.jsonl")):
            with path.open(encoding="utf-8") as file:
                for place, line in enumerate(file, 1):
                    each = _read(line, last + 1 if last or place > 1 else int(path.name.partition("-")[0]))
                    last = each.number
                    yield each
        yield from (each for each in stored if each.number > last)


def _read(line: str, number: int) -> Link:
    """What can't be read is a record that does not fit, in the place of the one that was there."""
    try:
        return Link.parse(line)
    except (ValueError, KeyError, TypeError):
        return Link(number=number, text=line, digest="")
