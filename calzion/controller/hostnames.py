"""The names at which a deployment's services answer: those that it has of itself, and the domains that it was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Connection

from calzion.controller.parts import Parts
from calzion.controller.store import infrastructure, instances
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.instances import InstanceRole
from calzion.infrastructure.declaration import Domain
from calzion.model import DeploymentName


def host_names(deployment: DeploymentName, services: Iterable[str], domain: str) -> dict[str, str]:
    """Host name -> service: each under its own name, and the only one under the deployment's."""
    routed = sorted(services)
    names = {f"{service}.{deployment}.{domain}": service for service in routed}
    if len(routed) == 1:
        names[f"{deployment}.{domain}"] = routed[0]
    return names


def routed_services(connection: Connection, deployment_id: int) -> list[str]:
    live = instances.of_deployment(connection, deployment_id, InstanceRole.LIVE)
    return sorted({record.service for record in live if record.pool and record.web})


def urls(parts: Parts, connection: Connection, deployment: Deployment) -> list[str]:
    """The addresses a user can open: domains first, then the others, shortest first."""
    domains = infrastructure.all_domains(connection)
    services = routed_services(connection, deployment.id)
    port = "" if parts.http_port == 80 else f":{parts.http_port}"
    given = sorted(_given(domains, deployment.name, services), key=_short_first)
    names = host_names(deployment.name, services, parts.domain)
    own = sorted(names.keys() - domains.keys(), key=_short_first)
    return [f"http://{name}{port}{path}" for name, path in (*given, *((name, "") for name in own))]


def _given(
    domains: Mapping[str, Domain], deployment: DeploymentName, services: Iterable[str]
) -> Iterator[tuple[str, str]]:
    for name, domain in domains.items():
        for path, target in domain.paths.items():
            if target.deployment == deployment and target.service in services:
                yield name, path.rstrip("/")


def _short_first(name: str | tuple[str, str]) -> tuple[int, str]:
    text = name if isinstance(name, str) else "".join(name)
    return len(text), text
