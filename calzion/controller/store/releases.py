"""Releases and the services in them. A release is immutable from the moment it is activated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from calzion.controller.store import audit
from calzion.controller.store.schema import deployments, release_services, releases
from calzion.model import Generate, Label, Pairs, ServiceDefinition, ServiceName, Task, TaskName
from calzion.template import as_keys, parse_service


class ReleaseState(StrEnum):
    OPEN = "open"
    WAITING = "waiting"
    ROLLING = "rolling"
    CURRENT = "current"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (ReleaseState.WAITING, ReleaseState.ROLLING)

OPEN_FOR = 86_400.0
"""Seconds after which an open release expires."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """`secrets` are the versions that it was rolled out with, `changes` what it changed, a line each; `act` says what
    it did where it was no push or deploy, and `restores` is the number of the release that it is once more.

    `data_from` names the deployment whose data it begins with, '' for none; `ttl` is what its deployment is given to
    live when it goes live, in seconds: 0 for ever, None for no change.
    """

    id: int
    deployment_id: int
    number: int
    state: ReleaseState
    commit: str
    user: str
    message: str
    env: Pairs
    generate: tuple[Generate, ...]
    tasks: tuple[Task, ...]
    source: str
    secrets: Mapping[str, int]
    changes: tuple[str, ...]
    act: str
    restores: int | None
    data_from: str
    ttl: int | None
    created: float
    started: float | None
    finished: float | None

    @property
    def origin(self) -> int:
        """The number of the release whose code and configuration this one has: its own, but for a rollback."""
        return self.number if self.restores is None else self.restores

    @property
    def seconds(self) -> float | None:
        if self.started is None or self.finished is None:
            return None
        return round(self.finished - self.started, 3)


@dataclass(frozen=True, kw_only=True)
class ReleaseService:
    """One service of a release. `source` says where its code is, `slug` is the key of its slug; '' where unknown."""

    definition: ServiceDefinition
    source: str = ""
    slug: str = ""
    fingerprint: str = ""
    held: str = ""

    @property
    def name(self) -> ServiceName:
        return self.definition.name


def open_release(
    connection: Connection,
    deployment_id: int,
    *,
    user: str,
    commit: str = "",
    act: str = "",
    restores: int | None = None,
    data_from: str = "",
    ttl: int | None = None,
    state: ReleaseState = ReleaseState.OPEN,
    now: float,
) -> Release:
    """An empty release with the deployment's next number. An `open` one is filled and started by whoever asked for it;
    one that this process is about to roll out is `waiting` from the first, so that it ends with the process.
    """
    mine = releases.c.deployment_id == deployment_id
    last = connection.execute(select(func.max(releases.c.number)).where(mine)).scalar()
    result = connection.execute(
        insert(releases).values(
            deployment_id=deployment_id,
            number=(last or 0) + 1,
            state=state,
            commit=commit,
            user=user,
            message="",
            env={},
            generate=[],
            tasks=[],
            source="",
            act=act,
            restores=restores,
            data_from=data_from,
            ttl=ttl,
            created=now,
        )
    )
    assert result.inserted_primary_key is not None
    opened = by_id(connection, result.inserted_primary_key[0])
    _audit(connection, opened.id, "begun", now)
    return opened


def by_id(connection: Connection, id: int) -> Release:
    return _release(connection.execute(select(releases).where(releases.c.id == id)).one())


def find(connection: Connection, deployment_id: int, number: int) -> Release | None:
    chosen = (releases.c.deployment_id == deployment_id) & (releases.c.number == number)
    row = connection.execute(select(releases).where(chosen)).one_or_none()
    return _release(row) if row else None


def current(connection: Connection, deployment_id: int) -> Release | None:
    chosen = (releases.c.deployment_id == deployment_id) & (releases.c.state == ReleaseState.CURRENT)
    # In the order of the deployment's own index: the one of states grows with the deployments.
    row = connection.execute(select(releases).where(chosen).order_by(releases.c.number)).one_or_none()
    return _release(row) if row else None


def to_repeat(connection: Connection, deployment_id: int) -> Release | None:
    """The release that a redeploy repeats: the current one, or else the latest that was tried."""
    found = current(connection, deployment_id)
    if found:
        return found
    tried = (release for release in of_deployment(connection, deployment_id) if release.finished)
    return next((release for release in tried if release.started), None)


def origin_to_repeat(connection: Connection, deployment_id: int) -> str:
    """The deployment with whose data the latest try was to begin; '' for none, and once a release is live."""
    found = to_repeat(connection, deployment_id)
    return found.data_from if found and found.state is not ReleaseState.CURRENT else ""


def of_deployment(connection: Connection, deployment_id: int) -> list[Release]:
    """Newest first."""
    chosen = select(releases).where(releases.c.deployment_id == deployment_id)
    return [_release(row) for row in connection.execute(chosen.order_by(releases.c.number.desc()))]


def in_state(connection: Connection, *states: ReleaseState) -> list[Release]:
    chosen = select(releases).where(releases.c.state.in_(states)).order_by(releases.c.id)
    return [_release(row) for row in connection.execute(chosen)]


def failed_last(connection: Connection) -> set[int]:
    """The ids of the deployments whose newest release did not go live."""
    newest = select(func.max(releases.c.id)).group_by(releases.c.deployment_id)
    failed = releases.c.state.in_([ReleaseState.FAILED, ReleaseState.CANCELLED])
    chosen = select(releases.c.deployment_id).where(releases.c.id.in_(newest) & failed)
    return set(connection.execute(chosen).scalars())


def set_sections(
    connection: Connection, id: int, env: Pairs, generate: Iterable[Generate], tasks: Iterable[Task]
) -> None:
    """`Env`, `Generate` and `Run` of the template."""
    values = {
        "env": dict(env),
        "generate": [[rule.name, rule.length] for rule in generate],
        "tasks": [_task_data(task) for task in tasks],
    }
    connection.execute(update(releases).where(releases.c.id == id).values(**values))


def set_source(connection: Connection, id: int, source: str) -> None:
    connection.execute(update(releases).where(releases.c.id == id).values(source=source))


def set_secrets(connection: Connection, id: int, versions: Mapping[str, int]) -> None:
    connection.execute(update(releases).where(releases.c.id == id).values(secrets=dict(versions)))


def set_changes(connection: Connection, id: int, changes: Iterable[str]) -> None:
    connection.execute(update(releases).where(releases.c.id == id).values(changes=list(changes)))


def start(connection: Connection, id: int, state: ReleaseState, now: float) -> None:
    connection.execute(update(releases).where(releases.c.id == id).values(state=state, started=now))


def finish(connection: Connection, id: int, state: ReleaseState, now: float, message: str = "") -> None:
    _audit(connection, id, "live" if state is ReleaseState.CURRENT else str(state), now)
    connection.execute(
        update(releases).where(releases.c.id == id).values(state=state, finished=now, message=message[:4000])
    )


def make_current(connection: Connection, release: Release, now: float) -> None:
    """The one durable moment of a switch."""
    previous = (releases.c.deployment_id == release.deployment_id) & (
        releases.c.state == ReleaseState.CURRENT
    )
    connection.execute(update(releases).where(previous).values(state=ReleaseState.SUPERSEDED))
    finish(connection, release.id, ReleaseState.CURRENT, now)


def add_services(connection: Connection, release_id: int, services: Iterable[ReleaseService]) -> None:
    """To a release that has none yet."""
    rows = [_row(release_id, service) for service in services]
    if rows:
        connection.execute(insert(release_services), rows)


def put_service(connection: Connection, release_id: int, service: ReleaseService) -> None:
    remove_service(connection, release_id, service.name)
    connection.execute(insert(release_services).values(**_row(release_id, service)))


def set_service_source(connection: Connection, release_id: int, name: str, source: str) -> None:
    _set_of_service(connection, release_id, name, source=source)


def set_service_slug(connection: Connection, release_id: int, name: str, slug: str) -> None:
    _set_of_service(connection, release_id, name, slug=slug)


def _set_of_service(connection: Connection, release_id: int, name: str, **values: str) -> None:
    chosen = (release_services.c.release_id == release_id) & (release_services.c.name == str(name))
    connection.execute(update(release_services).where(chosen).values(**values))


def remove_service(connection: Connection, release_id: int, name: str) -> bool:
    chosen = (release_services.c.release_id == release_id) & (release_services.c.name == str(name))
    return bool(connection.execute(delete(release_services).where(chosen)).rowcount)


def services(connection: Connection, release_id: int) -> tuple[ReleaseService, ...]:
    """The services of a release, by name."""
    chosen = select(release_services).where(release_services.c.release_id == release_id)
    return tuple(_service(row) for row in connection.execute(chosen.order_by(release_services.c.name)))


def services_ever_live(connection: Connection, deployment_id: int) -> frozenset[str]:
    """The names of the services of all releases that are, or were, current."""
    lived = releases.c.state.in_([ReleaseState.CURRENT, ReleaseState.SUPERSEDED])
    chosen = select(release_services.c.name).join(releases, releases.c.id == release_services.c.release_id)
    rows = connection.execute(chosen.where((releases.c.deployment_id == deployment_id) & lived).distinct())
    return frozenset(rows.scalars())


def service_names(connection: Connection, release_id: int) -> list[str]:
    chosen = select(release_services.c.name).where(release_services.c.release_id == release_id)
    return list(connection.execute(chosen.order_by(release_services.c.name)).scalars())


def _row(release_id: int, service: ReleaseService) -> dict[str, Any]:
    return {
        "release_id": release_id,
        "name": str(service.name),
        "definition": as_keys(service.definition),
        "source": service.source,
        "slug": service.slug,
        "fingerprint": service.fingerprint,
        "held": service.held,
    }


def _service(row: Row[tuple[object, ...]]) -> ReleaseService:
    data = row._mapping
    return ReleaseService(
        definition=_definition(data["name"], data["definition"]),
        source=data["source"],
        slug=data["slug"],
        fingerprint=data["fingerprint"],
        held=data["held"],
    )


def _definition(name: str, keys: Mapping[str, Any]) -> ServiceDefinition:
    return parse_service(ServiceName(name), keys)


def _task_data(task: Task) -> dict[str, Any]:
    command = list(task.cmd) if isinstance(task.cmd, tuple) else task.cmd
    data = {"name": task.name, "service": task.service, "cmd": command, "require": list(task.require)}
    return data | ({"sanitize": True} if task.sanitize else {})


def _task(data: Mapping[str, Any]) -> Task:
    command = data["cmd"]
    return Task(
        name=TaskName(data["name"]),
        service=ServiceName(data["service"]),
        cmd=tuple(command) if isinstance(command, list) else command,
        require=tuple(Label(name) for name in data["require"]),
        sanitize=data.get("sanitize", False),
    )


def _release(row: Row[tuple[object, ...]]) -> Release:
    data = row._mapping
    return Release(
        id=data["id"],
        deployment_id=data["deployment_id"],
        number=data["number"],
        state=ReleaseState(data["state"]),
        commit=data["commit"],
        user=data["user"],
        message=data["message"],
        env=tuple(sorted(data["env"].items())),
        generate=tuple(Generate(name=name, length=length) for name, length in data["generate"]),
        tasks=tuple(_task(task) for task in data["tasks"]),
        source=data["source"],
        secrets=data["secrets"],
        changes=tuple(data["changes"]),
        act=data["act"],
        restores=data["restores"],
        data_from=data["data_from"],
        ttl=data["ttl"],
        created=data["created"],
        started=data["started"],
        finished=data["finished"],
    )


def _audit(connection: Connection, id: int, outcome: str, now: float) -> None:
    release = by_id(connection, id)
    on = connection.execute(
        select(deployments.c.name).where(deployments.c.id == release.deployment_id)
    ).scalar_one()
    detail = {"release": release.number, "commit": release.commit, "named": release.user, "does": release.act}
    audit.record(connection, "deploy", now=now, outcome=outcome, on=on, **detail)
