"""The instances that should exist. Their rows are written before anything starts, so a crash leaves no orphan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, Row, delete, insert, select, update

from calzion.controller.store.schema import instances, ports
from calzion.errors import CalzionError
from calzion.infrastructure.declaration import limits_data
from calzion.model import Endpoint, Limits

PORT_RANGE = range(20_000, 32_000)
"""Below the ephemeral range of Linux (32768 on), so that no outgoing connection takes an instance's port."""


class InstanceRole(StrEnum):
    STARTING = "starting"  # belongs to a rollout that has not switched
    LIVE = "live"
    PARKED = "parked"  # stopped while its successor, which must not run beside it, proves itself
    DRAINING = "draining"  # gets nothing new; to be stopped and removed


@dataclass(frozen=True, kw_only=True)
class InstanceRecord:
    """`pool` is shared by the instances of a service that were started to answer alike, '' where no route leads to it.

    `web`: host names lead to it too. `limits` are those that were declared when it was started.
    """

    id: str
    deployment_id: int
    release_id: int
    service: str
    process_type: str
    ordinal: int
    state: InstanceRole
    pool: str
    web: bool = True
    ports: dict[str, int] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    @property
    def display(self) -> str:
        return f"{self.service}.{self.process_type}.{self.ordinal}"


def add(connection: Connection, record: InstanceRecord, assigned: Iterable[int]) -> None:
    """`assigned` are those of its ports that no other instance may have."""
    connection.execute(
        insert(instances).values(
            id=record.id,
            deployment_id=record.deployment_id,
            release_id=record.release_id,
            service=record.service,
            process_type=record.process_type,
            ordinal=record.ordinal,
            state=record.state,
            pool=record.pool,
            web=record.web,
            ports=record.ports,
            endpoints={},
            limits=limits_data(record.limits),
        )
    )
    for number in assigned:
        connection.execute(insert(ports).values(number=number, instance_id=record.id))


def assigned_ports(connection: Connection) -> Mapping[str, frozenset[int]]:
    """The ports that were assigned to instances, by their ids; others are as their services want them."""
    found: dict[str, set[int]] = defaultdict(set)
    for number, instance in connection.execute(select(ports.c.number, ports.c.instance_id)):
        found[instance].add(number)
    return {instance: frozenset(numbers) for instance, numbers in found.items()}


def free_ports(connection: Connection, count: int, first: int, usable: Callable[[int], bool]) -> list[int]:
    """`count` ports that no instance holds, looked for from `first` on. Raises CalzionError (start) without any."""
    taken = set(connection.execute(select(ports.c.number)).scalars())
    start = PORT_RANGE.index(first) if first in PORT_RANGE else 0
    ordered = [*PORT_RANGE[start:], *PORT_RANGE[:start]]
    found: list[int] = []
    for number in ordered:
        if len(found) == count:
            break
        if number not in taken and usable(number):
            found.append(number)
    if len(found) < count:
        raise CalzionError(
            f"no free port from {PORT_RANGE[0]} to {PORT_RANGE[-1]} is left",
            code="start",
            hint="scale something down, or destroy a deployment",
        )
    return found


def set_endpoints(connection: Connection, id: str, endpoints: dict[str, Endpoint]) -> None:
    data = {name: [endpoint.host, endpoint.port] for name, endpoint in endpoints.items()}
    connection.execute(update(instances).where(instances.c.id == id).values(endpoints=data))


def set_limits(connection: Connection, id: str, limits: Limits) -> None:
    connection.execute(update(instances).where(instances.c.id == id).values(limits=limits_data(limits)))


def set_state(connection: Connection, ids: Sequence[str], state: InstanceRole) -> None:
    connection.execute(update(instances).where(instances.c.id.in_(ids)).values(state=state))


def remove(connection: Connection, ids: Sequence[str]) -> None:
    connection.execute(delete(instances).where(instances.c.id.in_(ids)))


def all_instances(connection: Connection, *states: InstanceRole) -> list[InstanceRecord]:
    chosen = select(instances).order_by(
        instances.c.deployment_id, instances.c.service, instances.c.process_type, instances.c.ordinal
    )
    if states:
        chosen = chosen.where(instances.c.state.in_(states))
    return [_record(row) for row in connection.execute(chosen)]


def of_deployment(connection: Connection, deployment_id: int, *states: InstanceRole) -> list[InstanceRecord]:
    chosen = (
        select(instances)
        .where(instances.c.deployment_id == deployment_id)
        .order_by(instances.c.service, instances.c.process_type, instances.c.ordinal, instances.c.id)
    )
    if states:
        chosen = chosen.where(instances.c.state.in_(states))
    return [_record(row) for row in connection.execute(chosen)]


def pools(connection: Connection) -> frozenset[str]:
    """Every pool that has an instance."""
    return frozenset(connection.execute(select(instances.c.pool).distinct()).scalars())


def _record(row: Row[tuple[object, ...]]) -> InstanceRecord:
    data = row._mapping
    return InstanceRecord(
        id=data["id"],
        deployment_id=data["deployment_id"],
        release_id=data["release_id"],
        service=data["service"],
        process_type=data["process_type"],
        ordinal=data["ordinal"],
        state=InstanceRole(data["state"]),
        pool=data["pool"],
        web=data["web"],
        ports=dict(data["ports"]),
        endpoints={name: Endpoint(host, port) for name, (host, port) in data["endpoints"].items()},
        limits=Limits(**data["limits"]),
    )
