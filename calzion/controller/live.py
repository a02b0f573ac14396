"""What should run right now in a deployment, read from the store, and the orders that keep it so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from calzion.controller import preparation
from calzion.controller.formation import SERVER, Process
from calzion.controller.parts import Parts
from calzion.controller.store import deployments, instances, releases
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.instances import InstanceRecord, InstanceRole
from calzion.controller.store.releases import Release
from calzion.controller.surroundings import Member, Surroundings
from calzion.errors import CalzionError
from calzion.model import RunSpec, ServiceName, Slug


@dataclass(frozen=True, kw_only=True)
class Live:
    """A deployment's current release with the instances that serve it."""

    deployment: Deployment
    release: Release
    surroundings: Surroundings
    slugs: Mapping[str, Slug | None]
    records: tuple[InstanceRecord, ...]

    def of_service(self, service: str) -> list[InstanceRecord]:
        return [record for record in self.records if record.service == service]

    def member(self, service: str) -> Member:
        """Raises CalzionError (not_found)."""
        member = self.surroundings.members.get(ServiceName(service))
        if member is None:
            names = ", ".join(sorted(self.surroundings.members))
            raise CalzionError(
                f"{self.deployment.name} has no service {service}", hint=f"it has: {names}", code="not_found"
            )
        return member


def find_live(parts: Parts, deployment: Deployment) -> Live:
    """Raises CalzionError (not_found) where there is no current release."""
    with parts.database.write() as connection:
        live = load_live(parts, connection, deployment)
    if live is None:
        raise no_release(deployment.name)
    return live


def no_release(name: str) -> CalzionError:
    return CalzionError(f"{name} has no release yet", hint="push to it first", code="not_found")


def load_live(parts: Parts, connection: Connection, deployment: Deployment) -> Live | None:
    current = releases.current(connection, deployment.id)
    if current is None:
        return None
    services = releases.services(connection, current.id)
    return Live(
        deployment=deployment,
        release=current,
        surroundings=preparation.load(parts, connection, deployment, current),
        slugs={
            service.name: parts.builder.find(service.slug) if service.slug else None for service in services
        },
        records=tuple(instances.of_deployment(connection, deployment.id, InstanceRole.LIVE)),
    )


def live_specs(parts: Parts, deployment_id: int) -> list[RunSpec]:
    """The orders of a deployment's live instances: what an older release started runs on as that release's."""
    with parts.database.write() as connection:
        live = load_live(parts, connection, deployments.by_id(connection, deployment_id))
        if live is None:
            return []
        numbers = {
            record.release_id: releases.by_id(connection, record.release_id).number for record in live.records
        }
    specs = (_spec(live, record, numbers[record.release_id]) for record in live.records)
    return [spec for spec in specs if spec]


def _spec(live: Live, record: InstanceRecord, release: int) -> RunSpec | None:
    member = live.surroundings.members.get(ServiceName(record.service))
    slug = live.slugs.get(record.service)
    process = _process(member, record, slug) if member else None
    if member is None or process is None:
        return None
    return live.surroundings.spec(
        member,
        process,
        slug,
        id=record.id,
        ordinal=record.ordinal,
        release=release,
        ports=record.ports,
        limits=record.limits,
    )


def _process(member: Member, record: InstanceRecord, slug: Slug | None) -> Process | None:
    if member.appliance:
        return Process(type=SERVER, command="", count=1)
    if slug is None:
        return None
    processes = member.processes(slug, {})
    return next((process for process in processes if process.type == record.process_type), None)
