"""What users are shown of deployments, as JSON data with the documented keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from calzion.controller import environment, preparation
from calzion.controller.hostnames import urls
from calzion.controller.live import find_live
from calzion.controller.operations import find_deployment
from calzion.controller.parts import Parts
from calzion.controller.provenance import variables
from calzion.controller.store import deployments, instances, releases
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.instances import InstanceRecord, InstanceRole
from calzion.controller.store.keys import UserKey
from calzion.controller.store.releases import Release, ReleaseState
from calzion.controller.surroundings import Surroundings
from calzion.controller.volumes import kept_volumes
from calzion.lifetime import is_near
from calzion.model import Instance, InstanceState
from calzion.template import as_keys

_SHOWN = (InstanceRole.LIVE, InstanceRole.STARTING, InstanceRole.DRAINING)


def iso(seconds: float | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def key_view(key: UserKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "fingerprint": key.fingerprint,
        "type": key.type,
        "allow": list(key.allow),
        "repositories": list(key.repositories),
        "admin": key.admin,
        "added": iso(key.added),
    }


def release_view(connection: Connection, release: Release, restorable: Collection[int]) -> dict[str, Any]:
    """`restorable` are the numbers that can be gone back to."""
    return {
        "version": release.number,
        "state": str(release.state),
        "commit": release.commit,
        "user": release.user,
        "started": iso(release.started or release.created),
        "seconds": release.seconds,
        "message": release.message,
        "services": releases.service_names(connection, release.id),
        "act": release.act,
        "changes": list(release.changes),
        "rollback": release.number in restorable,
    }


def deployment_list(parts: Parts) -> list[dict[str, Any]]:
    observed = parts.observed.instances()
    with parts.database.read() as connection:
        return [
            _summary(parts, connection, each, observed) for each in deployments.all_deployments(connection)
        ]


def deployment_view(parts: Parts, name: str) -> dict[str, Any]:
    """Raises CalzionError (not_found)."""
    deployment = find_deployment(parts, name)
    observed = parts.observed.instances()
    with parts.database.write() as connection:
        summary = _summary(parts, connection, deployment, observed)
        current = releases.current(connection, deployment.id)
        services = _services(parts, connection, deployment, current, observed) if current else []
    volumes = parts.backend.volumes(deployment.name)
    return summary | {
        "services": services,
        "volumes": {_slashed(volume): size for volume, size in sorted(volumes.items())},
        "kept_volumes": [_slashed(volume) for volume in kept_volumes(parts, deployment, volumes)],
    }


def _slashed(volume: str) -> str:
    return volume.replace(".", "/", 1)


def instance_views(parts: Parts, name: str) -> list[dict[str, Any]]:
    """Raises CalzionError (not_found)."""
    deployment = find_deployment(parts, name)
    observed = parts.observed.instances()
    with parts.database.read() as connection:
        records = instances.of_deployment(connection, deployment.id, *_SHOWN)
        numbers = {id: releases.by_id(connection, id).number for id in {each.release_id for each in records}}
    return [_instance(record, numbers[record.release_id], observed.get(record.id)) for record in records]


def environment_view(parts: Parts, name: str, service: str) -> list[dict[str, Any]]:
    """What an instance of the service sees. Raises CalzionError (not_found)."""
    live = find_live(parts, find_deployment(parts, name))
    member = live.member(service)
    record = next(iter(live.of_service(service)), None)
    own = environment.of_instance(
        deployment=live.deployment.name,
        service=member.name,
        instance=f"{record.process_type}.{record.ordinal}" if record else "run.1",
        release=live.release.number,
        ports=record.ports if record and not member.appliance else {},
    )
    if not member.appliance and live.surroundings.discovery:
        own |= {
            **live.surroundings.discovery,
            environment.DISCOVERY_TOKEN: f"[{environment.DISCOVERY_TOKEN}]",
        }
    slug = live.slugs.get(service)
    found = variables(live.surroundings, member, slug.config_vars if slug else (), own)
    return [{"name": each.name, "value": each.value, "from": each.origin} for each in found]


def _summary(
    parts: Parts, connection: Connection, deployment: Deployment, observed: Mapping[str, Instance]
) -> dict[str, Any]:
    current = releases.current(connection, deployment.id)
    return {
        "name": deployment.name,
        "release": current.number if current else None,
        "state": _state(parts, connection, deployment, current, observed),
        "services": releases.service_names(connection, current.id) if current else [],
        "urls": urls(parts, connection, deployment),
        "repository": deployment.repository,
        "created": iso(deployment.created),
        "expires": iso(deployment.expires),
        "expires_soon": _expires_soon(deployment, parts.now()),
    }


def _expires_soon(deployment: Deployment, now: float) -> bool:
    return deployment.expires is not None and is_near(deployment.expires, deployment.ttl, now)


def _state(
    parts: Parts,
    connection: Connection,
    deployment: Deployment,
    current: Release | None,
    observed: Mapping[str, Instance],
) -> str:
    if deployment.destroying:
        return "destroying"
    if parts.locks.holder(deployment.name):
        return "deploying"
    if current is None:
        latest = next(iter(releases.of_deployment(connection, deployment.id)), None)
        return "failed" if latest and latest.state is ReleaseState.FAILED else "empty"
    live = instances.of_deployment(connection, deployment.id, InstanceRole.LIVE)
    if any(not _runs(observed.get(record.id)) for record in live):
        return "degraded"
    held = any(service.held for service in releases.services(connection, current.id))
    return "held" if held else "running"


def _runs(instance: Instance | None) -> bool:
    return instance is not None and instance.state is InstanceState.RUNNING


def _services(
    parts: Parts,
    connection: Connection,
    deployment: Deployment,
    current: Release,
    observed: Mapping[str, Instance],
) -> list[dict[str, Any]]:
    surroundings = preparation.load(parts, connection, deployment, current)
    live = instances.of_deployment(connection, deployment.id, InstanceRole.LIVE)
    views = []
    for service in releases.services(connection, current.id):
        mine = [record for record in live if record.service == service.name]
        slug = parts.builder.find(service.slug) if surroundings.members[service.name].image else None
        views.append(
            _service(surroundings, service, mine, observed) | {"digest": slug.digest if slug else ""}
        )
    return views


def _service(
    surroundings: Surroundings,
    service: releases.ReleaseService,
    mine: Sequence[InstanceRecord],
    observed: Mapping[str, Instance],
) -> dict[str, Any]:
    member = surroundings.members[service.name]
    processes: dict[str, int] = {}
    for record in mine:
        processes[record.process_type] = processes.get(record.process_type, 0) + 1
    running = all(_runs(observed.get(record.id)) for record in mine)
    return {
        "name": service.name,
        "kind": "appliance" if member.appliance else "image" if member.image else "app",
        "image": service.definition.image or "",
        "git": service.definition.git or "",
        "state": "held" if service.held else "running" if running else "degraded",
        "held": service.held,
        "address": surroundings.reach(member),
        "processes": processes,
        "env": dict(surroundings.visible(member)),
        "definition": as_keys(service.definition),
    }


def _instance(record: InstanceRecord, release: int, instance: Instance | None) -> dict[str, Any]:
    endpoint = next((str(endpoint) for endpoint in record.endpoints.values()), "")
    state = str(instance.state) if instance else "missing"
    return {
        "name": record.display,
        "service": record.service,
        "type": record.process_type,
        "instance": record.id,
        "release": release,
        "state": "draining" if record.state is InstanceRole.DRAINING else state,
        "endpoint": endpoint,
        "started": instance.started if instance else 0.0,
        "restarts": instance.restarts if instance else 0,
        "memory": instance.memory if instance else 0,
        "exit": str(instance.exit) if instance and instance.exit else "",
    }
