"""From what a release asks for to what can be compared and carried out: members, environments, keys, the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from calzion.controller import environment
from calzion.controller.appliance import generated_password
from calzion.controller.parts import Parts
from calzion.controller.plan import Plan, ServiceVersion, plan
from calzion.controller.store import deployments, releases
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import Release, ReleaseService
from calzion.controller.surroundings import Member, Surroundings
from calzion.errors import CalzionError
from calzion.model import BuildOrder, Generate, Pairs, ServiceDefinition, ServiceName, SourceTree
from calzion.template.interpolation import interpolate, references

WAITS_FOR_CODE = "waits for its code: push it, or upload it"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """`builds` are the orders of services that came with code."""

    surroundings: Surroundings
    versions: Mapping[ServiceName, ServiceVersion]
    builds: Mapping[ServiceName, BuildOrder]
    plan: Plan
    before: Surroundings | None = field(repr=False, default=None)


def prepare(
    parts: Parts,
    deployment: Deployment,
    release: Release,
    services: Sequence[ReleaseService],
    sources: Mapping[ServiceName, SourceTree],
) -> Prepared:
    """Decide what the release changes. Raises CalzionError (template, build, unsupported) where it can't work."""
    kinds = {
        service.name: _appliance(parts, service.definition, release.env, deployment) for service in services
    }
    with parts.database.write() as connection:
        rules = [*release.generate, *_password_rules(kinds)]
        deployments.ensure_generated(connection, parts.vault, deployment, rules)
        surroundings = _surroundings(parts, connection, deployment, release.env, services, kinds)
        current = releases.current(connection, deployment.id)
        before = load(parts, connection, deployment, current) if current else None
        old = releases.services(connection, current.id) if current else ()
    builds = {name: build_order(deployment, surroundings, name, source) for name, source in sources.items()}
    versions = [_version(parts, surroundings, service, builds) for service in services]
    return Prepared(
        surroundings=surroundings,
        versions={version.name: version for version in versions},
        builds=builds,
        plan=plan(versions, [_old_version(before, service) for service in old] if before else []),
        before=before,
    )


def load(parts: Parts, connection: Connection, deployment: Deployment, release: Release) -> Surroundings:
    """The surroundings of a release as they were decided when it was rolled out."""
    services = releases.services(connection, release.id)
    kinds = {
        service.name: _appliance(parts, service.definition, release.env, deployment) for service in services
    }
    return _surroundings(parts, connection, deployment, release.env, services, kinds)


def build_order(
    deployment: Deployment, surroundings: Surroundings, name: ServiceName, source: SourceTree
) -> BuildOrder:
    """A build sees literal values alone, so that its slug can serve another deployment."""
    definition = surroundings.members[name].definition
    literal = tuple((key, interpolate(value, {})) for key, value in definition.env if not references(value))
    owner = deployment.repository or deployment.name
    return BuildOrder(
        deployment=deployment.name,
        service=name,
        repository=owner,
        cache=f"{owner}.{name}",
        source=source,
        environment=literal,
    )


def _appliance(parts: Parts, definition: ServiceDefinition, env: Pairs, deployment: Deployment) -> str | None:
    if definition.image is None:
        _refuse_fixed_ports(definition)
        return None
    values = {"DEPLOYMENT": deployment.name, "SERVICE": definition.name, **dict(env)}
    image = environment.resolve(definition.image, values, f"{definition.name}: image")
    try:
        return parts.backend.resolve(image)
    except CalzionError as error:
        raise CalzionError(
            f"{definition.name}: {error.message}", hint=error.hint, code=error.code, detail=error.detail
        ) from error


def _refuse_fixed_ports(definition: ServiceDefinition) -> None:
    for port in definition.ports:
        if port.number is not None:
            raise CalzionError(
                f"{definition.name}: the fixed port {port.number} would collide between deployments on one machine",
                hint=f"let it listen on the port that is given: 'ports: [{port.name or 'web'}]' gives PORT",
                code="unsupported",
            )


def _password_rules(kinds: Mapping[ServiceName, str | None]) -> Iterable[Generate]:
    return [generated_password(name) for name, kind in kinds.items() if kind]


def _surroundings(
    parts: Parts,
    connection: Connection,
    deployment: Deployment,
    env: Pairs,
    services: Sequence[ReleaseService],
    kinds: Mapping[ServiceName, str | None],
) -> Surroundings:
    members = {
        service.name: Member(
            definition=service.definition,
            address=deployments.address(connection, deployment.id, service.name, parts.address_is_free),
            appliance=kinds[service.name],
        )
        for service in services
    }
    return Surroundings(
        deployment=deployment.name,
        uid=deployment.uid,
        env=env,
        generated=deployments.generated_values(connection, parts.vault, deployment),
        members=members,
        internal_ports=parts.router.internal_ports,
    )


def _version(
    parts: Parts,
    surroundings: Surroundings,
    service: ReleaseService,
    builds: Mapping[ServiceName, BuildOrder],
) -> ServiceVersion:
    member = surroundings.members[service.name]
    code = parts.builder.key(builds[service.name]) if service.name in builds else service.slug
    lacks_code = member.appliance is None and not code
    return ServiceVersion(
        definition=service.definition,
        fingerprint=parts.vault.fingerprint(surroundings.identity(member, code)),
        code=code,
        visible=surroundings.visible(member),
        held=WAITS_FOR_CODE if lacks_code else "",
    )


def _old_version(before: Surroundings, service: ReleaseService) -> ServiceVersion:
    return ServiceVersion(
        definition=service.definition,
        fingerprint=service.fingerprint,
        code=service.slug,
        visible=before.visible(before.members[service.name]),
        held=service.held,
    )
