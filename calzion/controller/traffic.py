"""Which routes there should be, and the end of instances that no route leads to any more."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection

from calzion.controller.hostnames import host_names
from calzion.controller.parts import Parts
from calzion.controller.store import deployments, infrastructure, instances
from calzion.controller.store.instances import InstanceRecord, InstanceRole
from calzion.discovery.registration import Registration
from calzion.errors import CalzionError
from calzion.infrastructure.declaration import Target
from calzion.model import DeploymentName, Endpoint, ServiceName
from calzion.routing.table import Pool, RouteTable

DRAIN_INTERVAL = 0.1
"""Seconds between two looks at how many connections are left; the router has no event for it."""


def http_pool(pool: str) -> str:
    return f"{pool}/http"


def _pool_of(name: str) -> str:
    """The pool whose part for one protocol is called `name`."""
    return name.rpartition("/")[0]


def tcp_pool(pool: str, index: int) -> str:
    return f"{pool}/tcp{index}"


class Traffic:
    """Computes the whole route table from the store and has the router apply it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._draining: set[str] = set()
        self._behind = True

    def is_draining(self, record: InstanceRecord) -> bool:
        """Whether its end is being seen to."""
        return record.id in self._draining

    @contextmanager
    def ending(self, records: Sequence[InstanceRecord]) -> Iterator[None]:
        """Say that somebody will drain these. Begins before the deployment's lock is let go."""
        ids = {record.id for record in records}
        self._draining |= ids
        try:
            yield
        finally:
            self._draining -= ids

    def apply(self) -> None:
        """Bring the router to what the store says; everything that changed switches at one moment."""
        with self._lock:
            self._behind = True
            with self._parts.database.read() as connection:
                table = self.table(connection)
                registrations = _registrations(connection)
            self._parts.router.apply(table)
            named = (name for name in table.domains if not name.startswith("*"))
            self._parts.announce(registrations, {*table.hosts, *named})
            self._behind = False

    def catch_up(self) -> None:
        """Make up for an `apply` that failed, or that a crash left undone: until then the old are still routed."""
        if self._behind:
            self.apply()

    def table(self, connection: Connection) -> RouteTable:
        by_deployment: dict[int, list[InstanceRecord]] = defaultdict(list)
        live = [each for each in instances.all_instances(connection, InstanceRole.LIVE) if each.pool]
        for record in (*live, *_awaited(connection, live)):
            by_deployment[record.deployment_id].append(record)
        assigned = instances.assigned_ports(connection)
        hosts: dict[str, str] = {}
        members: dict[str, str] = {}
        routes: dict[Endpoint, str] = {}
        pools: dict[str, Pool] = {}
        domains = infrastructure.all_domains(connection)
        named = {target for domain in domains.values() for target in domain.paths.values()}
        ports = infrastructure.declared(connection).ports
        targets: dict[Target, str] = {}
        outside: dict[int, str] = {}
        for deployment in deployments.all_deployments(connection):
            services = _by_service(by_deployment.get(deployment.id, []))
            hosts.update(self._hosts(deployment.name, services))
            network = self._parts.backend.network(deployment.name)
            for service, records in services.items():
                pools.update(_pools(records))
                target = Target(deployment.name, ServiceName(service))
                if target in named and records[0].web:
                    targets[target] = http_pool(records[0].pool)
                if (first := tcp_pool(records[0].pool, 0)) in pools:
                    outside |= dict.fromkeys((port for port, to in ports.items() if to == target), first)
                address = deployments.known_address(connection, deployment.id, service)
                if address:
                    mine = assigned.get(records[0].id, frozenset())
                    routes.update(self._addresses(address, records[0], mine))
                    members.update({address: network} if network else {})
        return RouteTable(
            hosts=hosts,
            addresses=routes,
            pools=pools,
            members=members,
            domains=domains,
            services=targets,
            ports=outside,
        )

    def sweep(self) -> None:
        """Free the places of pools that a crash or a failure left without instances."""
        self.retire({_pool_of(name) for name in self._parts.router.pools})

    def drain(self, records: Sequence[InstanceRecord]) -> None:
        """Stop instances that get nothing new: the routed ones when their last connection ended, or at the deadline.

        Raises CalzionError, OSError, before anything is stopped, where the router can't be told to send them no more.
        """
        self.catch_up()
        routed = [record for record in records if record.pool]
        self._stop([record for record in records if not record.pool])
        pools = {record.pool for record in routed}
        deadline = time.monotonic() + self._parts.timeouts.drain
        while any(self._connections(pool) for pool in pools) and time.monotonic() < deadline:
            time.sleep(DRAIN_INTERVAL)
        self._stop(routed)
        self.retire(pools)

    def _stop(self, records: Iterable[InstanceRecord]) -> None:
        ids = [record.id for record in records]
        if not ids:
            return
        self._parts.backend.stop(ids)
        self._parts.backend.forget(ids)
        with self._parts.database.write() as connection:
            instances.remove(connection, ids)

    def _connections(self, pool: str) -> int:
        try:
            return sum(self._parts.router.connections(name) for name in _pool_names(pool, self._ports))
        except CalzionError:
            return 0  # a router that is gone holds no connections

    def retire(self, pools: Iterable[str]) -> None:
        """Free the router's places of pools that no instance has any more."""
        with self._parts.database.read() as connection:
            used = instances.pools(connection)
        for pool in pools:
            if pool not in used:
                for name in _pool_names(pool, self._ports):
                    self._parts.router.retire(name)

    @property
    def _ports(self) -> int:
        return len(self._parts.router.internal_ports)

    def _hosts(self, deployment: DeploymentName, services: dict[str, list[InstanceRecord]]) -> dict[str, str]:
        web = {service for service, records in services.items() if records[0].web}
        names = host_names(deployment, web, self._parts.domain)
        return {host: http_pool(services[service][0].pool) for host, service in names.items()}

    def _addresses(
        self, address: str, record: InstanceRecord, assigned: Collection[int]
    ) -> dict[Endpoint, str]:
        """A port that template or image fixed is the same outside; others are the router's, in order."""
        internal = self._parts.router.internal_ports
        numbers = zip(record.ports.values(), internal, strict=False)
        return {
            Endpoint(address, among if number in assigned else number): tcp_pool(record.pool, index)
            for index, (number, among) in enumerate(numbers)
        }


def _awaited(connection: Connection, live: Iterable[InstanceRecord]) -> list[InstanceRecord]:
    """Data services that no older one stands for: a rollout's commands and apps need them before it switches."""
    served = {(each.deployment_id, each.service) for each in live}
    new = instances.all_instances(connection, InstanceRole.STARTING)
    return [
        each
        for each in new
        if is_data_service(each) and each.endpoints and (each.deployment_id, each.service) not in served
    ]


def is_data_service(record: InstanceRecord) -> bool:
    """Whether routes lead to it at its stable address alone."""
    return bool(record.pool and not record.web)


def _registrations(connection: Connection) -> list[Registration]:
    names = {each.id: each.name for each in deployments.all_deployments(connection)}
    return [
        Registration(
            deployment=names[record.deployment_id],
            service=record.service,
            port=port,
            instance=record.id,
            endpoint=endpoint,
        )
        for record in instances.all_instances(connection, InstanceRole.LIVE)
        for port, endpoint in record.endpoints.items()
    ]


def _by_service(records: Iterable[InstanceRecord]) -> dict[str, list[InstanceRecord]]:
    found: dict[str, list[InstanceRecord]] = defaultdict(list)
    for record in records:
        found[record.service].append(record)
    return found


def _pools(records: Sequence[InstanceRecord]) -> dict[str, Pool]:
    pool = records[0].pool
    first = _present(_endpoint(record, next(iter(record.ports), "")) for record in records)
    found = {http_pool(pool): Pool(name=http_pool(pool), endpoints=first)} if records[0].web else {}
    for index, port in enumerate(records[0].ports):
        name = tcp_pool(pool, index)
        endpoints = _present(_endpoint(record, port) for record in records)
        found[name] = Pool(name=name, endpoints=endpoints, http=False)
    return found


def _present(endpoints: Iterable[Endpoint | None]) -> tuple[Endpoint, ...]:
    return tuple(endpoint for endpoint in endpoints if endpoint)


def _endpoint(record: InstanceRecord, port: str) -> Endpoint | None:
    return record.endpoints.get(port)


def _pool_names(pool: str, ports: int) -> list[str]:
    return [http_pool(pool), *(tcp_pool(pool, index) for index in range(ports))]
