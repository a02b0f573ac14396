"""Which releases of a deployment are kept, and what they need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, and_, select

from calzion.controller.store import deployments
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import OPEN_FOR, UNFINISHED, ReleaseState
from calzion.controller.store.schema import instances, release_services
from calzion.controller.store.schema import releases as release_rows

_Row = Row[int, int, int, str, float, float | None, float | None]


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What must stay: keys of slugs, where code is, versions of secrets, and names of build caches.

    `stories` maps a deployment's id to the number of the first release whose story stays.
    """

    slugs: Set[str]
    sources: Set[str]
    secrets: Set[int]
    stories: Mapping[int, int]
    caches: Set[str]


def restorable(connection: Connection, deployment_id: int, keep: int) -> list[int]:
    """The numbers of the releases that can be gone back to, newest first: the last `keep` that were live."""
    mine = (release_rows.c.deployment_id == deployment_id) & (release_rows.c.state == ReleaseState.SUPERSEDED)
    newest = select(release_rows.c.number).where(mine).order_by(release_rows.c.number.desc()).limit(keep)
    return list(connection.execute(newest).scalars())


def needs(connection: Connection, keep: int, now: float, running: Iterable[tuple[str, int, str]]) -> Needs:
    """`running` are the deployment, the release's number and the service of what the backend runs."""
    known = deployments.all_deployments(connection)
    kept: dict[int, int] = {}
    first: dict[int, int] = {}
    rows = release_rows.c
    listed = connection.execute(
        select(
            rows.deployment_id, rows.id, rows.number, rows.state, rows.created, rows.started, rows.finished
        ).order_by(rows.deployment_id, rows.number.desc())
    )
    for deployment_id, mine in groupby(listed, key=lambda row: int(row.deployment_id)):
        found = _kept(list(mine), keep, now)
        kept |= found
        first[deployment_id] = min(found.values(), default=0)
    return Needs(
        slugs=_of_services(connection, "slug", kept) | _slugs_that_run(connection, known, running),
        sources=_of_services(connection, "source", kept) | set(_of_releases(connection, "source", kept)),
        secrets={
            version for versions in _of_releases(connection, "secrets", kept) for version in versions.values()
        },
        stories={deployment.id: first.get(deployment.id, 0) for deployment in known},
        caches=_caches(connection, known),
    )


def cache_name(deployment: Deployment, service: str) -> str:
    """The build cache of a service, which all deployments of a repository share."""
    return f"{deployment.repository or deployment.name}.{service}"


def _kept(listed: Sequence[_Row], keep: int, now: float) -> dict[int, int]:
    """Ids and numbers, of a deployment's releases newest first.

    The current one and those that were live before it, what is open or under way, and the last one that was tried.
    """
    live = [row for row in listed if row.state == ReleaseState.SUPERSEDED][:keep]
    under_way = [row for row in listed if row.state in (ReleaseState.CURRENT, *UNFINISHED)]
    opened = [row for row in listed if row.state == ReleaseState.OPEN and now - row.created <= OPEN_FOR]
    tried = [row for row in listed if row.started and row.finished]
    return {row.id: row.number for row in (*live, *under_way, *opened, *listed[:1], *tried[:1])}


def _of_services(connection: Connection, column: str, kept: Iterable[int]) -> set[str]:
    found: set[str] = set()
    for ids in _portions(kept):
        wanted = release_services.c.release_id.in_(ids)
        found |= set(
            connection.execute(select(release_services.c[column]).where(wanted).distinct()).scalars()
        )
    return found - {""}


def _of_releases(connection: Connection, column: str, kept: Iterable[int]) -> list[Any]:
    found: list[Any] = []
    for ids in _portions(kept):
        wanted = select(release_rows.c[column]).where(release_rows.c.id.in_(ids))
        found += [each for each in connection.execute(wanted).scalars() if each]
    return found


def _portions(ids: Iterable[int]) -> Iterator[list[int]]:
    """SQLite takes some 32,000 values in one statement."""
    left = sorted(ids)
    for start in range(0, len(left), 10_000):
        yield left[start : start + 10_000]


def _slugs_that_run(
    connection: Connection, known: Iterable[Deployment], running: Iterable[tuple[str, int, str]]
) -> set[str]:
    """What old instances drain from, and one-off commands that go on, whatever was released since."""
    ids = {str(deployment.name): deployment.id for deployment in known}
    those = [
        and_(
            release_rows.c.deployment_id == ids[deployment],
            release_rows.c.number == number,
            release_services.c.name == service,
        )
        for deployment, number, service in set(running)
        if deployment in ids
    ]
    joined = select(release_services.c.slug).join(
        release_rows, release_rows.c.id == release_services.c.release_id
    )
    recorded = joined.join(
        instances,
        and_(
            instances.c.release_id == release_services.c.release_id,
            instances.c.service == release_services.c.name,
        ),
    )
    found = set(connection.execute(recorded).scalars())
    for each in those:
        found |= set(connection.execute(joined.where(each)).scalars())
    return found


def _caches(connection: Connection, known: Iterable[Deployment]) -> set[str]:
    """Of every service that a deployment has ever had."""
    by_id = {deployment.id: deployment for deployment in known}
    rows = connection.execute(
        select(release_rows.c.deployment_id, release_services.c.name)
        .join(release_rows, release_rows.c.id == release_services.c.release_id)
        .distinct()
    )
    return {cache_name(by_id[id], service) for id, service in rows}
