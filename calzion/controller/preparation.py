"""From what a release asks for to what can be compared and carried out: members, environments, keys, the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from calzion.controller import environment
from calzion.controller.appliance import generated_password
from calzion.controller.parts import Parts
from calzion.controller.plan import Plan, ServiceVersion, plan
from calzion.controller.store import deployments, releases, secrets, tasks
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import Release, ReleaseService
from calzion.controller.surroundings import Member, Surroundings
from calzion.errors import CalzionError
from calzion.model import BuildOrder, Pairs, ServiceDefinition, ServiceName, SourceTree, Task
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
    with parts.database.write() as connection:
        deployments.ensure_generated(connection, parts.vault, deployment, release.generate)
        surroundings = _surroundings(parts, connection, deployment, release.env, services)
        current = releases.current(connection, deployment.id)
        before = load(parts, connection, deployment, current) if current else None
        old = releases.services(connection, current.id) if current else ()
        done = tasks.done(connection, deployment.id)
    _check_tasks(release.tasks, surroundings)
    builds = {name: build_order(deployment, surroundings, name, source) for name, source in sources.items()}
    versions = [_version(parts, surroundings, service, builds) for service in services]
    before_versions = [_old_version(before, service) for service in old] if before else []
    return Prepared(
        surroundings=surroundings,
        versions={version.name: version for version in versions},
        builds=builds,
        plan=plan(versions, before_versions, release.tasks, done),
        before=before,
    )


def load(parts: Parts, connection: Connection, deployment: Deployment, release: Release) -> Surroundings:
    """The surroundings of a release as they were decided when it was rolled out."""
    services = releases.services(connection, release.id)
    return _surroundings(parts, connection, deployment, release.env, services)


def build_order(
    deployment: Deployment, surroundings: Surroundings, name: ServiceName, source: SourceTree
) -> BuildOrder:
    """A build sees literal values, so that its slug can serve another deployment, and what `build_env` names."""
    member = surroundings.members[name]
    definition = member.definition
    literal = {key: interpolate(value, {}) for key, value in definition.env if not references(value)}
    wanted = {key: surroundings.own(member)[key] for key in definition.build_env}
    owner = deployment.repository or deployment.name
    return BuildOrder(
        deployment=deployment.name,
        service=name,
        repository=owner,
        cache=f"{owner}.{name}",
        source=source,
        environment=tuple(sorted((literal | wanted).items())),
        buildpacks=definition.buildpacks,
    )


def _appliance(parts: Parts, definition: ServiceDefinition, values: Mapping[str, str]) -> str | None:
    _refuse_without_engine(parts, definition)
    if definition.image is None:
        _refuse_fixed_ports(definition)
        return None
    image = environment.resolve(definition.image, values, f"{definition.name}: image")
    try:
        return parts.backend.resolve(image)
    except CalzionError as error:
        raise CalzionError(
            f"{definition.name}: {error.message}", hint=error.hint, code=error.code, detail=error.detail
        ) from error


def _refuse_without_engine(parts: Parts, definition: ServiceDefinition) -> None:
    if parts.backend.containers:
        return
    for key, way_out in (
        ("build", "give it 'git: DIRECTORY' to have it built by a buildpack"),
        ("privileged", "leave it out"),
    ):
        if getattr(definition, key):
            raise CalzionError(
                f"{definition.name}: '{key}' needs a container engine, and this server runs services as processes",
                hint=f"{way_out}; 'calzion doctor' says what this machine can do",
                code="unsupported",
            )


def _refuse_fixed_ports(definition: ServiceDefinition) -> None:
    for port in definition.ports:
        if port.number is not None:
            raise CalzionError(
                f"{definition.name}: the fixed port {port.number} would collide between deployments on one machine",
                hint=f"let it listen on the port that is given: 'ports: [{port.name or 'web'}]' gives PORT",
                code="unsupported",
            )


def _check_tasks(wanted: Sequence[Task], surroundings: Surroundings) -> None:
    for task in wanted:
        member = surroundings.members.get(task.service)
        if member is None or member.appliance:
            raise CalzionError(
                f"the task {task.name} needs an app to run in, which {task.service} is not",
                hint="name a service with 'git'",
                code="template",
            )


def _surroundings(
    parts: Parts,
    connection: Connection,
    deployment: Deployment,
    env: Pairs,
    services: Sequence[ReleaseService],
) -> Surroundings:
    generated = deployments.generated_values(connection, parts.vault, deployment)
    known = secrets.values(connection, parts.vault, deployment)
    members = {
        service.name: Member(
            definition=service.definition,
            address=deployments.address(connection, deployment.id, service.name, parts.address_is_free),
            appliance=_appliance(
                parts,
                service.definition,
                environment.values_of(
                    deployment=deployment.name,
                    service=service.name,
                    env=env,
                    generated=generated,
                    secrets=known,
                ),
            ),
        )
        for service in services
    }
    passwords = [generated_password(member.name) for member in members.values() if member.appliance]
    deployments.ensure_generated(connection, parts.vault, deployment, passwords)
    return Surroundings(
        deployment=deployment.name,
        uid=deployment.uid,
        env=env,
        generated=deployments.generated_values(connection, parts.vault, deployment),
        secrets=known,
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
