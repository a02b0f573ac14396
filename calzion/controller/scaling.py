"""Bringing process types to a number of instances. The caller holds the deployment's turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from calzion.controller import launch
from calzion.controller.formation import SERVER, WEB
from calzion.controller.launch import Launch, Order
from calzion.controller.live import Live, find_live
from calzion.controller.operations import find_deployment
from calzion.controller.parts import Parts
from calzion.controller.store import audit, deployments, instances
from calzion.controller.store.instances import InstanceRecord, InstanceRole
from calzion.controller.traffic import Traffic
from calzion.errors import CalzionError
from calzion.infrastructure.declaration import MAX_COUNT
from calzion.model import Cancellation, DeploymentName
from calzion.progress import Story

Counts = Mapping[tuple[str, str], int]
"""(service, process type) -> instances."""


def scale(
    parts: Parts,
    traffic: Traffic,
    name: DeploymentName,
    counts: Counts,
    story: Story,
    cancellation: Cancellation,
) -> None:
    """The numbers stay for the releases to come. Raises CalzionError (usage, not_found, start, health)."""
    live = find_live(parts, find_deployment(parts, name))
    counts = {_named(live, *key): count for key, count in counts.items()}
    orders = {
        service: _orders(parts, live, service, counts) for service in sorted({key[0] for key in counts})
    }
    _check(counts, orders)
    new = Launch(parts, live.deployment, live.release, live.surroundings, story, cancellation)
    try:
        new.start([order for each in orders.values() for order in _missing(live, each, counts)])
    except BaseException:
        new.take_back()
        raise
    surplus = [record for record in live.records if record.ordinal > counts.get(_key(record), record.ordinal)]
    with parts.database.write() as connection:
        deployments.set_formation(connection, live.deployment.id, counts)
        told = {f"{service}.{process_type}": count for (service, process_type), count in counts.items()}
        audit.record(connection, "scale", now=parts.now(), on=name, counts=told)
        instances.set_state(connection, [record.id for record in new.records], InstanceRole.LIVE)
        instances.set_state(connection, [record.id for record in surplus], InstanceRole.DRAINING)
    traffic.apply()
    traffic.drain(surplus)
    for (service, process_type), count in counts.items():
        story.step(f"{service}.{process_type}: {count}")
    story.done(f"{name} is scaled")


def _named(live: Live, service: str, process_type: str) -> tuple[str, str]:
    """The one process of an image needs no name."""
    unnamed = process_type == WEB and live.member(service).image
    return service, SERVER if unnamed else process_type


def _key(record: InstanceRecord) -> tuple[str, str]:
    return record.service, record.process_type


def _orders(parts: Parts, live: Live, service: str, counts: Counts) -> list[Order]:
    member = live.member(service)
    wanted = [count for (each, _), count in counts.items() if each == service]
    if member.appliance or (member.exclusive and max(wanted) > 1):
        raise CalzionError(
            f"{service} keeps data in a volume, which two instances must not write",
            hint="it runs once",
            code="usage",
        )
    pools = [record.pool for record in live.of_service(service) if record.pool]
    pool = pools[0] if pools else f"{live.deployment.name}.{service}.{parts.new_id()}"
    return launch.orders(parts.backend, member, live.slugs[service], live.surroundings, counts, pool)


def _check(counts: Counts, orders: Mapping[str, list[Order]]) -> None:
    for (service, process_type), count in counts.items():
        types = [order.process.type for order in orders[service]]
        if process_type not in types:
            raise CalzionError(
                f"{service} runs no process {process_type}",
                hint=f"it runs: {', '.join(types)}",
                code="not_found",
            )
        if not 0 <= count <= MAX_COUNT:
            raise CalzionError(f"{service}.{process_type}: use a number from 0 to {MAX_COUNT}", code="usage")


def _missing(live: Live, orders: list[Order], counts: Counts) -> list[Order]:
    running = {(*_key(record), record.ordinal) for record in live.records}
    found: list[Order] = []
    for order in orders:
        key = (str(order.member.name), order.process.type)
        ordinals = [ordinal for ordinal in order.ordinals if (*key, ordinal) not in running]
        if key in counts and ordinals:
            found.append(replace(order, ordinals=ordinals))
    return found
