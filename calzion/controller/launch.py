"""Starting instances beside those that run, so that they can be taken back until the switch."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from calzion.backends.protocol import Backend
from calzion.controller import health
from calzion.controller.appliance import APPLIANCES
from calzion.controller.candidate import Candidate
from calzion.controller.formation import SERVER, Process
from calzion.controller.parts import Parts
from calzion.controller.store import deployments, infrastructure, instances
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.instances import PORT_RANGE, InstanceRecord, InstanceRole
from calzion.controller.store.releases import Release
from calzion.controller.surroundings import Member, Surroundings
from calzion.errors import CalzionError
from calzion.infrastructure.plan import formation_of
from calzion.model import Cancellation, RunSpec, Sink, Slug


@dataclass(frozen=True, kw_only=True)
class Order:
    """Run this process of that member, as copies number `ordinals`, in `pool` where routes lead to it."""

    member: Member
    process: Process
    slug: Slug | None
    ordinals: Sequence[int]
    pool: str = ""


class Launch:
    """The new instances of one rollout: started, awaited, and taken back should it fail."""

    def __init__(
        self,
        parts: Parts,
        deployment: Deployment,
        release: Release,
        surroundings: Surroundings,
        sink: Sink,
        cancellation: Cancellation,
    ) -> None:
        self._parts = parts
        self._deployment = deployment
        self._release = release
        self._surroundings = surroundings
        self._sink = sink
        self._cancellation = cancellation
        self._candidates: list[Candidate] = []
        self.records: list[InstanceRecord] = []

    def start(self, orders: Sequence[Order]) -> None:
        """Start all, and return when all are healthy, and what was started before still runs.

        Raises CalzionError (start, health, cancelled).
        """
        records = self._record(orders)
        self.records += [record for record, _ in records]
        specs = [self._spec(order, record) for record, order in records]
        self._parts.backend.ensure(specs)
        self._parts.observed.touch()
        candidates = [
            self._candidate(order, spec, record, _others(order, orders))
            for (record, order), spec in zip(records, specs, strict=True)
        ]
        self._candidates += candidates
        found = health.await_healthy(self._parts, candidates, self._sink, self._cancellation)
        with self._parts.database.write() as connection:
            for healthy in found:
                instances.set_endpoints(connection, healthy.id, healthy.endpoints)
        health.check_alive(self._parts, self._candidates)

    def stop(self) -> None:
        """End what was started; it stays known."""
        self._parts.backend.stop([record.id for record in self.records])

    def take_back(self) -> None:
        """Stop and forget what was started."""
        ids = [record.id for record in self.records]
        if ids:
            self.stop()
            self._parts.backend.forget(ids)
            with self._parts.database.write() as connection:
                instances.remove(connection, ids)
        self.records, self._candidates = [], []

    def _candidate(
        self, order: Order, spec: RunSpec, record: InstanceRecord, others: tuple[str, ...]
    ) -> Candidate:
        checked = order.process.routed or order.process.type == SERVER
        check = self._surroundings.healthcheck(order.member) if checked else None
        answers = check if check and (spec.ports or check.cmd) else None
        return Candidate(spec=spec, name=record.display, healthcheck=answers, others=others)

    def _record(self, orders: Iterable[Order]) -> list[tuple[InstanceRecord, Order]]:
        with self._parts.database.write() as connection:
            found: list[tuple[InstanceRecord, Order]] = []
            for order in orders:
                for ordinal in order.ordinals:
                    wanted = _ports(order.member)
                    # Another installation on this machine may look for ports at the same moment.
                    first = secrets.choice(PORT_RANGE)
                    count = list(wanted.values()).count(None)
                    free = iter(instances.free_ports(connection, count, first, self._parts.port_is_free))
                    ports = {name: number or next(free) for name, number in wanted.items()}
                    record = self._new_record(order, ordinal, ports)
                    assigned = [ports[name] for name, number in wanted.items() if number is None]
                    instances.add(connection, record, assigned)
                    found.append((record, order))
            return found

    def _new_record(self, order: Order, ordinal: int, ports: dict[str, int]) -> InstanceRecord:
        return InstanceRecord(
            id=self._parts.new_id(),
            deployment_id=self._deployment.id,
            release_id=self._release.id,
            service=order.member.name,
            process_type=order.process.type,
            ordinal=ordinal,
            state=InstanceRole.STARTING,
            pool=order.pool,
            web=order.process.routed,
            ports=ports,
            limits=self._surroundings.limits(order.member.name, order.process.type),
        )

    def _spec(self, order: Order, record: InstanceRecord) -> RunSpec:
        return self._surroundings.spec(
            order.member,
            order.process,
            order.slug,
            id=record.id,
            ordinal=record.ordinal,
            release=self._release.number,
            ports=record.ports,
            limits=record.limits,
        )


def orders(
    backend: Backend,
    member: Member,
    slug: Slug | None,
    surroundings: Surroundings,
    counts: Mapping[tuple[str, str], int],
    pool: str,
) -> list[Order]:
    """All that runs of one service."""
    if member.appliance:
        server = surroundings.server(member)
        # As a process it listens on the service's stable address itself.
        pool = pool if backend.containers else ""
        return [Order(member=member, process=server, slug=None, ordinals=(1,), pool=pool)]
    if slug is None:
        raise CalzionError(f"{member.name} has no code", code="start", hint="push it, or upload its code")
    return [
        Order(
            member=member,
            process=process,
            slug=slug,
            ordinals=range(1, process.count + 1),
            pool=pool if process.routed or (process.type == SERVER and member.ports) else "",
        )
        for process in member.processes(slug, counts)
    ]


def formation(parts: Parts, deployment: Deployment) -> dict[tuple[str, str], int]:
    """What was asked for, and of a process for which nothing was, what is declared."""
    with parts.database.read() as connection:
        declared = infrastructure.declared(connection).scale.get(deployment.name, {})
        return formation_of(declared) | deployments.formation(connection, deployment.id)


def _others(order: Order, orders: Sequence[Order]) -> tuple[str, ...]:
    """What the service would run without this process type; nothing where that is no choice: it gets the traffic."""
    if order.process.routed:
        return ()
    mine = [other.process.type for other in orders if other.member.name == order.member.name]
    return tuple(name for name in mine if name != order.process.type)


def _ports(member: Member) -> dict[str, int | None]:
    """The numbers by name; None where any will do."""
    if member.appliance:
        return {"": APPLIANCES[member.appliance].port}
    return {port.name: port.number for port in member.ports}
