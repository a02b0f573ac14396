"""Applying an infrastructure file: what it declares is kept first, then everything is brought to it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

from sqlalchemy import Connection

from calzion.config import PortRange
from calzion.controller.deployer import Deployer
from calzion.controller.live import Live, find_live
from calzion.controller.locks import CancellationToken
from calzion.controller.operations import replace_instances
from calzion.controller.parts import Parts
from calzion.controller.scaling import scale
from calzion.controller.store import audit, deployments, infrastructure, instances, releases
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.instances import InstanceRole
from calzion.controller.traffic import Traffic
from calzion.errors import CalzionError
from calzion.infrastructure.declaration import Declaration, Domain
from calzion.infrastructure.plan import (
    DOMAINS,
    PORTS,
    Change,
    Entry,
    Present,
    count_of,
    formation_of,
    plan,
    removals,
)
from calzion.model import DeploymentName, ServiceName
from calzion.progress import DONE, Event, Story


class Infrastructure:
    """One file is applied at a time."""

    def __init__(self, parts: Parts, traffic: Traffic, deployer: Deployer) -> None:
        self._parts = parts
        self._traffic = traffic
        self._deployer = deployer
        self._lock = threading.Lock()

    def plan(self, wanted: Declaration) -> tuple[Entry, ...]:
        """Writes nothing. Raises CalzionError (conflict) where a domain is another deployment's."""
        with self._parts.database.read() as connection:
            return self._plan(connection, wanted, infrastructure.declared(connection))

    def apply(
        self, wanted: Declaration, confirmed: Collection[str], listener: Callable[[Event], None]
    ) -> None:
        """`confirmed` are the removals that a plan has shown.

        Raises CalzionError: conflict, refused where something else would be removed; then nothing has changed. Where
        a deployment can't be brought to it, the others are, and the error is raised at the end.
        """
        story = Story(listener)
        with self._lock:
            with self._parts.database.write() as connection:
                before = infrastructure.declared(connection)
                entries = self._plan(connection, wanted, before)
                _insist_on_confirmation(entries, confirmed)
                infrastructure.declare(connection, wanted)
                audit.record(
                    connection,
                    "infrastructure",
                    now=self._parts.now(),
                    changes=[str(each) for each in entries],
                )
                infrastructure.set_domains(
                    connection,
                    {each.name: wanted.domains.get(each.name) for each in entries if each.section == DOMAINS},
                )
            for entry in entries:
                story.log(str(entry))
            if any(each.section in (DOMAINS, PORTS) for each in entries):
                self._route(story)
            self._bring_all(wanted, before, story, listener)
            story.done("applied" if entries else "nothing has changed: everything is as the file says")

    def _plan(self, connection: Connection, wanted: Declaration, before: Declaration) -> tuple[Entry, ...]:
        _check_ports(wanted, self._parts.tcp_ports)
        known = deployments.all_deployments(connection)
        domains = infrastructure.all_domains(connection)
        _check_owners(wanted, before, domains, self._parts.domain, [each.name for each in known])
        named = {*wanted.scale, *before.scale}
        present = Present(
            domains=domains,
            formations={
                each.name: _formation(connection, each, wanted, before)
                for each in known
                if each.name in named and releases.current(connection, each.id)
            },
            lagging={each.name: lagging for each in known if (lagging := _lagging(connection, each, wanted))},
        )
        return plan(wanted, before, present)

    def _route(self, story: Story) -> None:
        try:
            self._traffic.apply()
        except (CalzionError, OSError) as error:
            story.warning(f"{error}; domains and ports follow as soon as the router can take them")

    def _bring_all(
        self, wanted: Declaration, before: Declaration, story: Story, listener: Callable[[Event], None]
    ) -> None:
        with self._parts.database.read() as connection:
            known = [
                each
                for each in deployments.all_deployments(connection)
                if releases.current(connection, each.id) and not each.destroying
            ]
        failed: dict[DeploymentName, CalzionError] = {}
        for deployment in known:
            try:
                self._bring(deployment, wanted, before, listener)
            except CalzionError as error:
                failed[deployment.name] = error
                story.warning(f"{deployment.name}: {error}")
        for name, first in failed.items():
            raise CalzionError(
                f"{name} could not be brought to what the file says: {first}",
                hint=f"it goes on as before; {first.hint or 'mend that, and apply the file again'}",
                code=first.code,
                detail=first.detail,
            )

    def _bring(
        self,
        deployment: Deployment,
        wanted: Declaration,
        before: Declaration,
        listener: Callable[[Event], None],
    ) -> None:
        if not self._to_do(deployment, wanted, before):
            return
        token = CancellationToken()
        story = Story(lambda event: None if event.kind == DONE else listener(event))
        with self._deployer.turn(deployment.name, "a change of the infrastructure", listener, token):
            live = find_live(self._parts, deployment)
            counts, _ = self._differences(deployment, wanted, before)
            present, missing = _split(live, counts)
            for service in sorted(missing):
                story.warning(f"{deployment.name} has no service {service} yet: its scale waits for it")
            if present:
                scale(self._parts, self._traffic, deployment.name, present, story, token)
            _, services = self._differences(deployment, wanted, before)
            for service in sorted(services):
                story.step(f"{deployment.name}: new instances of {service}, within its limits")
                live = find_live(self._parts, deployment)
                replace_instances(self._parts, self._traffic, live, service, story, token)

    def _to_do(self, deployment: Deployment, wanted: Declaration, before: Declaration) -> bool:
        return any(self._differences(deployment, wanted, before))

    def _differences(
        self, deployment: Deployment, wanted: Declaration, before: Declaration
    ) -> tuple[dict[tuple[str, str], int], set[str]]:
        """The counts that are not as declared, and the services whose instances run within other limits."""
        with self._parts.database.read() as connection:
            formation = _formation(connection, deployment, wanted, before)
            lagging = _lagging(connection, deployment, wanted)
        declared = wanted.scale.get(deployment.name, {})
        units = declared.keys() | before.scale.get(deployment.name, {}).keys()
        counts = {
            (str(unit.service), unit.process_type or "web"): declared.get(unit, 1)
            for unit in units
            if count_of(formation, unit) != declared.get(unit, 1)
        }
        return counts, lagging


def _formation(
    connection: Connection, deployment: Deployment, wanted: Declaration, before: Declaration
) -> dict[tuple[str, str], int]:
    """How many instances there are of what either file names; of services to come, what they will begin with."""
    current = releases.current(connection, deployment.id)
    services = {each.name for each in releases.services(connection, current.id)} if current else set()
    live = instances.of_deployment(connection, deployment.id, InstanceRole.LIVE)
    running = Counter((each.service, each.process_type) for each in live)
    old = before.scale.get(deployment.name, {})
    found = formation_of(old) | deployments.formation(connection, deployment.id)
    for unit in {*wanted.scale.get(deployment.name, {}), *old}:
        if unit.service in services:
            keys = list(formation_of({unit: 0}))
            found |= dict.fromkeys(keys, sum(running[key] for key in keys))
    return found


def _lagging(connection: Connection, deployment: Deployment, wanted: Declaration) -> set[str]:
    live = instances.of_deployment(connection, deployment.id, InstanceRole.LIVE)
    return {
        each.service
        for each in live
        if each.limits != wanted.limits_of(deployment.name, each.service, each.process_type)
    }


def _split(live: Live, counts: Mapping[tuple[str, str], int]) -> tuple[dict[tuple[str, str], int], set[str]]:
    """The counts of services that there are, and the services that are missing."""
    there = {key: count for key, count in counts.items() if ServiceName(key[0]) in live.surroundings.members}
    return there, {service for service, _ in counts.keys() - there.keys()}


def _insist_on_confirmation(entries: Collection[Entry], confirmed: Collection[str]) -> None:
    unconfirmed = [each for each in removals(entries) if each not in confirmed]
    if unconfirmed:
        raise CalzionError(
            f"this would remove {', '.join(unconfirmed)}",
            hint="look with --plan, and go on with --yes",
            code="refused",
            detail=[str(entry) for entry in entries if entry.change is Change.REMOVED],
        )


def _check_ports(wanted: Declaration, held: PortRange) -> None:
    for port in sorted(wanted.ports):
        if port not in held:
            holds = f"it holds {held}" if str(held) else "it holds none"
            raise CalzionError(
                f"the router does not hold the port {port}, so it can't lead to {wanted.ports[port]}: {holds}",
                hint="set tcp-ports to a range that has it, and start the router again",
                code="usage",
            )


def _check_owners(
    wanted: Declaration,
    before: Declaration,
    present: Mapping[str, Domain],
    base: str,
    known: Iterable[DeploymentName],
) -> None:
    """A domain belongs to one deployment: that which has it, whoever gave it, until it is removed there."""
    names = list(known)
    for host, domain in sorted(wanted.domains.items()):
        held = present.get(host)
        other = held.deployment if held and host not in before.domains else None
        bare = host.removeprefix("*.")
        other = other or next((name for name in names if f".{bare}".endswith(f".{name}.{base}")), None)
        if other and other != domain.deployment:
            raise CalzionError(
                f"{host} belongs to {other}",
                hint="one domain belongs to one deployment: choose another one, or remove it there first",
                code="conflict",
            )
