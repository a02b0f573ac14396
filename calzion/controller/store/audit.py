"""The audit trail: written in the transactions of what it tells of, never changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select

from calzion.controller.actor import actor
from calzion.controller.store.schema import audit
from calzion.controller.trail import Link, link


def record(
    connection: Connection, act: str, *, now: float, outcome: str = "done", on: str = "", **detail: Any
) -> None:
    """That whoever acts in this thread did it. `detail` is JSON data, and never the value of a secret."""
    made = link(newest(connection), now=now, who=actor(), act=act, outcome=outcome, on=str(on), detail=detail)
    connection.execute(insert(audit).values(number=made.number, record=made.text, digest=made.digest))


def newest(connection: Connection) -> Link | None:
    row = connection.execute(select(audit).order_by(audit.c.number.desc()).limit(1)).one_or_none()
    return _link(row) if row else None


def latest(connection: Connection, most: int, *, deployment: str = "", user: str = "") -> list[Link]:
    """The newest first; of a deployment, of a user, where these are named."""
    query: Select[Any] = select(audit).order_by(audit.c.number.desc()).limit(most)
    for name, wanted in (("deployment", deployment), ("user", user)):
        if wanted:
            query = query.where(func.json_extract(audit.c.record, f"$.{name}") == wanted)
    return [_link(row) for row in connection.execute(query)]


def oldest_first(connection: Connection) -> Iterator[Link]:
    for row in connection.execute(select(audit).order_by(audit.c.number).execution_options(yield_per=1000)):
        yield _link(row)


def count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(audit)).scalar_one())


def remove_up_to(connection: Connection, number: int) -> None:
    """Those that a file has now."""
    connection.execute(delete(audit).where(audit.c.number <= number))


def _link(row: Row[Any]) -> Link:
    return Link(number=row.number, text=row.record, digest=row.digest)
