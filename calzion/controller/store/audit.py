"""The audit trail: written in the transactions of what it tells of, never changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from calzion.controller.actor import actor
from calzion.controller.store.schema import audit
from calzion.controller.trail import Link, link


def record(
    connection: Connection, act: str, *, now: float, outcome: str = "done", on: str = "", **detail: Any
) -> None:
    """That whoever acts in this thread did it. `detail` is JSON data, and never the value of a secret."""
    made = link(newest(connection), now=now, who=actor(), act=act, outcome=outcome, on=str(on), detail=detail)
    connection.execute(insert(audit).values(number=made.number, record=made.text, digest=made.digest))


def record_settings(connection: Connection, values: Mapping[str, str], *, now: float) -> None:
    """What is in force from now on, without passwords, where it is something else than what was recorded last."""
    before = _settings(connection)
    changed = [name for name, value in values.items() if before.get(name) != value]
    if changed:
        record(connection, "settings", now=now, changed=changed if before else ["all"], values=values)


def _settings(connection: Connection) -> Mapping[str, str]:
    """Those recorded last; none where that record is in a file already."""
    views = (each.view() for each in _newest_first(connection))
    return next((dict(view["detail"]["values"]) for view in views if view["act"] == "settings"), {})


def newest(connection: Connection) -> Link | None:
    row = connection.execute(select(audit).order_by(audit.c.number.desc()).limit(1)).one_or_none()
    return _link(row) if row else None


def latest(connection: Connection, most: int, *, deployment: str = "", user: str = "") -> list[Link]:
    """The newest first; of a deployment, of a user, where these are named."""
    wanted = {name: value for name, value in (("deployment", deployment), ("user", user)) if value}
    found = (
        each
        for each in _newest_first(connection)
        if not wanted or wanted.items() <= {name: each.view().get(name) for name in wanted}.items()
    )
    return list(islice(found, most))


def _newest_first(connection: Connection) -> Iterator[Link]:
    query = select(audit).order_by(audit.c.number.desc()).execution_options(yield_per=1000)
    for row in connection.execute(query):
        yield _link(row)


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
