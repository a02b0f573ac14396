"""From what a release asks for to what can be compared and carried out: members, environments, keys, the plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Connection

from calzion.controller import environment
from calzion.controller.admission import admit, check_privileges, check_tasks
from calzion.controller.appliance import generated_password
from calzion.controller.holdings import Foreseen, Holdings, Taken
from calzion.controller.parts import Parts
from calzion.controller.pins import pinned, to_pin
from calzion.controller.plan import Plan, ServiceVersion, plan
from calzion.controller.store import deployments, releases, secrets, tasks
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.kept import cache_name
from calzion.controller.store.releases import Release, ReleaseService
from calzion.controller.store.secrets import Versions
from calzion.controller.surroundings import Member, Surroundings
from calzion.model import (
    Builder,
    BuildOrder,
    Generate,
    Pairs,
    ServiceName,
    SourceTree,
    Task,
)
from calzion.redaction import Mask
from calzion.template.interpolation import interpolate, references

WAITS_FOR_CODE = "waits for its code: push it, or upload it"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """`builds` are the orders of services that came with code; `before`, `current` and `old` are what there is now."""

    surroundings: Surroundings
    versions: Mapping[ServiceName, ServiceVersion]
    builds: Mapping[ServiceName, BuildOrder]
    plan: Plan
    before: Surroundings | None = field(repr=False, default=None)
    current: Release | None = None
    old: tuple[ReleaseService, ...] = ()


class Sections(Protocol):
    """The sections of a template: as a release has them, or the template itself."""

    @property
    def env(self) -> Pairs: ...

    @property
    def generate(self) -> tuple[Generate, ...]: ...

    @property
    def tasks(self) -> tuple[Task, ...]: ...


def prepare(
    parts: Parts,
    deployment: Deployment,
    release: Release,
    services: Sequence[ReleaseService],
    sources: Mapping[ServiceName, SourceTree],
    *,
    copying: bool,
) -> Prepared:
    """Decide what a release changes, and make what its services will have for life.

    `copying`: it begins with data that tasks may have to sanitize. Raises CalzionError (template, build, unsupported)
    where it can't work.
    """
    with parts.database.write() as connection:
        holdings = Taken(parts=parts, connection=connection, deployment=deployment)
        known = _look(
            parts,
            connection,
            holdings,
            deployment,
            release,
            services,
            release.secrets,
            copying,
        )
    return _decide(parts, deployment, release, services, sources, known, parts.builder.key)


def foresee(
    parts: Parts,
    deployment: Deployment,
    sections: Sections,
    services: Sequence[ReleaseService],
    sources: Mapping[ServiceName, SourceTree],
    versions: Versions | None = None,
    *,
    copying: bool = False,
) -> Prepared:
    """Decide the same as `prepare`, and write nothing anywhere. The deployment may be a provisional one.

    Without `versions` the secrets are the newest ones. `copying`: the deployment is to begin with a copy of another
    one's data, which tasks may have to sanitize.
    """
    known = glance(parts, deployment, sections, services, versions, copying=copying)
    missing = to_pin(parts.builder, services, known.surroundings)
    services = pinned(services, known.kept_pins(parts.builder, missing))
    return _decide(parts, deployment, sections, services, sources, known, parts.builder.foresee)


def glance(
    parts: Parts,
    deployment: Deployment,
    sections: Sections,
    services: Sequence[ReleaseService],
    versions: Versions | None,
    *,
    copying: bool = False,
) -> Known:
    """What the store says, with stand-ins for what is not there yet. Writes nothing. Raises CalzionError (template)."""
    with parts.database.read() as connection:
        holdings = Foreseen(parts=parts, connection=connection, deployment=deployment)
        return _look(parts, connection, holdings, deployment, sections, services, versions, copying)


def load(parts: Parts, connection: Connection, deployment: Deployment, release: Release) -> Surroundings:
    """The surroundings of a release as they were decided when it was rolled out, whatever was set since."""
    holdings = Taken(parts=parts, connection=connection, deployment=deployment)
    services = releases.services(connection, release.id)
    return _surroundings(parts, holdings, deployment, release, services, release.secrets)


def look_at(parts: Parts, connection: Connection, deployment: Deployment, release: Release) -> Surroundings:
    """The same within a read transaction."""
    holdings = Foreseen(parts=parts, connection=connection, deployment=deployment)
    services = releases.services(connection, release.id)
    return _surroundings(parts, holdings, deployment, release, services, release.secrets)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the store says: the release as its services will see it, and what there is now."""

    surroundings: Surroundings
    before: Surroundings | None
    current: Release | None
    old: tuple[ReleaseService, ...]
    done: frozenset[str]

    def kept_pins(self, builder: Builder, wanted: Mapping[ServiceName, str]) -> dict[ServiceName, str]:
        """The slugs of the current release for the same images: a tag that moves changes nothing by itself."""
        members = self.before.members if self.before else {}
        return {
            each.name: each.slug
            for each in self.old
            if each.name in wanted
            and members[each.name].image == wanted[each.name]
            and builder.find(each.slug) is not None
        }


def _look(
    parts: Parts,
    connection: Connection,
    holdings: Holdings,
    deployment: Deployment,
    sections: Sections,
    services: Sequence[ReleaseService],
    versions: Versions | None,
    copying: bool,
) -> Known:
    current = releases.current(connection, deployment.id)
    old = releases.services(connection, current.id) if current else ()
    before = _surroundings(parts, holdings, deployment, current, old, current.secrets) if current else None
    return Known(
        surroundings=_surroundings(parts, holdings, deployment, sections, services, versions, before),
        before=before,
        current=current,
        old=old,
        done=tasks.done(connection, deployment.id) | (frozenset() if copying else _sanitizing(sections)),
    )


def _sanitizing(sections: Sections) -> frozenset[str]:
    return frozenset(task.name for task in sections.tasks if task.sanitize)


def _decide(
    parts: Parts,
    deployment: Deployment,
    sections: Sections,
    services: Sequence[ReleaseService],
    sources: Mapping[ServiceName, SourceTree],
    known: Known,
    key: Callable[[BuildOrder], str],
) -> Prepared:
    surroundings, before = known.surroundings, known.before
    check_tasks(sections.tasks, surroundings)
    check_privileges((each.definition for each in services), allowed=parts.allow_privileged)
    builds = {name: build_order(deployment, surroundings, name, source) for name, source in sources.items()}
    keys = {name: key(order) for name, order in builds.items()}
    versions = [_version(parts, surroundings, service, keys) for service in services]
    old_versions = [_old_version(parts, before, service) for service in known.old] if before else []
    return Prepared(
        surroundings=surroundings,
        versions={version.name: version for version in versions},
        builds=builds,
        plan=plan(versions, old_versions, sections.tasks, known.done),
        before=before,
        current=known.current,
        old=known.old,
    )


def load_mask(parts: Parts, connection: Connection, deployment: Deployment) -> Mask:
    """What hides the deployment's generated values and its secrets, older ones that a release may go back to too."""
    generated = deployments.generated_values(connection, parts.vault, deployment)
    generated |= {
        name: value
        for name, value in parts.discovery(deployment.name).items()
        if name == environment.DISCOVERY_TOKEN
    }
    return Mask(generated, secrets.all_values(connection, parts.vault, deployment))


def build_order(
    deployment: Deployment, surroundings: Surroundings, name: ServiceName, source: SourceTree
) -> BuildOrder:
    """A build sees literal values, so that its slug can serve another deployment, and what `build_env` names."""
    member = surroundings.members[name]
    definition = member.definition
    literal = {key: interpolate(value, {}) for key, value in definition.env if not references(value)}
    wanted = {key: surroundings.own(member)[key] for key in definition.build_env}
    dockerfile = definition.build is not None
    return BuildOrder(
        deployment=deployment.name,
        service=name,
        repository=deployment.repository or deployment.name,
        cache=cache_name(deployment, name),
        source=source,
        environment=tuple(sorted((literal if dockerfile else literal | wanted).items())),
        buildpacks=definition.buildpacks,
        dockerfile=dockerfile,
        secrets=tuple(sorted(wanted.items())) if dockerfile else (),
    )


def _surroundings(
    parts: Parts,
    holdings: Holdings,
    deployment: Deployment,
    sections: Sections,
    services: Sequence[ReleaseService],
    versions: Versions | None,
    before: Surroundings | None = None,
) -> Surroundings:
    """`versions` are those of the secrets, None for the newest. `before` is what there is now."""
    generated, secrets = holdings.generated(sections.generate), holdings.secrets(versions)

    def member(service: ReleaseService) -> Member:
        definition = service.definition
        values = environment.values_of(
            deployment=deployment.name,
            service=definition.name,
            env=sections.env,
            generated=generated,
            secrets=secrets,
        )
        admitted = admit(parts.backend, definition, values)
        return Member(
            definition=definition,
            address=holdings.address(definition.name),
            appliance=admitted.appliance,
            image=admitted.image,
            exposed=_exposed(parts, service, before) if admitted.image else (),
        )

    members = {service.name: member(service) for service in services}
    passwords = [generated_password(each.name) for each in members.values() if each.appliance]
    if passwords:
        generated |= holdings.generated(passwords)
    return Surroundings(
        deployment=deployment.name,
        uid=deployment.uid,
        env=sections.env,
        generated=generated,
        secrets=secrets,
        members=members,
        internal_ports=parts.router.internal_ports,
        declaration=holdings.declaration(),
        discovery=parts.discovery(deployment.name),
    )


def _exposed(parts: Parts, service: ReleaseService, before: Surroundings | None) -> tuple[int, ...]:
    """The ports of the service's image; of one that was not pulled yet, those of the one before it."""
    slug = parts.builder.find(service.slug)
    if slug is not None:
        return slug.ports
    known = before.members.get(service.name) if before else None
    return known.exposed if known else ()


def _version(
    parts: Parts,
    surroundings: Surroundings,
    service: ReleaseService,
    keys: Mapping[ServiceName, str],
) -> ServiceVersion:
    member = surroundings.members[service.name]
    code = keys.get(service.name, service.slug) or member.image or ""
    lacks_code = member.appliance is None and not code
    return ServiceVersion(
        definition=service.definition,
        fingerprint=parts.vault.fingerprint(surroundings.identity(member, code)),
        code=code,
        visible=surroundings.visible(member),
        held=WAITS_FOR_CODE if lacks_code else "",
    )


def _old_version(parts: Parts, before: Surroundings, service: ReleaseService) -> ServiceVersion:
    # What runs from a slug that was removed has lost its files: it counts as changed.
    kept = not service.slug or parts.builder.find(service.slug) is not None
    return ServiceVersion(
        definition=service.definition,
        fingerprint=service.fingerprint if kept else "",
        code=service.slug if kept else "",
        visible=before.visible(before.members[service.name]),
        held=service.held,
    )
