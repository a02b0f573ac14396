"""Which releases of a deployment are kept, and what they need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from sqlalchemy import Connection, and_, select

from calzion.controller.store import deployments, releases
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import OPEN_FOR, UNFINISHED, ReleaseState
from calzion.controller.store.schema import instances, release_services
from calzion.controller.store.schema import releases as release_rows


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
    kept: set[int] = set()
    first: dict[int, int] = {}
    known = deployments.all_deployments(connection)
    for deployment in known:
        found = _kept(connection, deployment.id, keep, now)
        kept |= found.keys()
        first[deployment.id] = min(found.values(), default=0)
    return Needs(
        slugs=_of_services(connection, "slug", kept) | _slugs_that_run(connection, known, running),
        sources=_of_services(connection, "source", kept) | _sources(connection, kept),
        secrets={version for id in kept for version in releases.by_id(connection, id).secrets.values()},
        stories=first,
        caches=_caches(connection, known),
    )


def cache_name(deployment: Deployment, service: str) -> str:
    """The build cache of a service, which all deployments of a repository share."""
    return f"{deployment.repository or deployment.name}.{service}"


def _kept(connection: Connection, deployment_id: int, keep: int, now: float) -> dict[int, int]:
    """Ids and numbers: the current one and those before it, what is open or under way, and the last that was tried."""
    numbers = set(restorable(connection, deployment_id, keep))
    rows = release_rows.c
    listed = connection.execute(
        select(rows.id, rows.number, rows.state, rows.created)
        .where(rows.deployment_id == deployment_id)
        .order_by(rows.number.desc())
    )
    kept: dict[int, int] = {}
    for position, (id, number, state, created) in enumerate(listed):
        is_open = state == ReleaseState.OPEN and now - created <= OPEN_FOR
        if number in numbers or is_open or state in (ReleaseState.CURRENT, *UNFINISHED) or position == 0:
            kept[id] = number
    repeated = releases.to_repeat(connection, deployment_id)
    return kept | ({repeated.id: repeated.number} if repeated else {})


def _of_services(connection: Connection, column: str, kept: Iterable[int]) -> set[str]:
    wanted = release_services.c.release_id.in_(kept)
    found = connection.execute(select(release_services.c[column]).where(wanted).distinct()).scalars()
    return {each for each in found if each}


def _sources(connection: Connection, kept: Iterable[int]) -> set[str]:
    found = connection.execute(select(release_rows.c.source).where(release_rows.c.id.in_(kept))).scalars()
    return {each for each in found if each}


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
