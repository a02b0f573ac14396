"""The use cases that roll out: each takes the deployment's lock, tells its story, and leaves all or nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from calzion.controller.activation import Activation
from calzion.controller.cancellable import Cancellable
from calzion.controller.claim import Claim, Listener
from calzion.controller.code import is_known, lacks_slug, opened
from calzion.controller.copying import find_origin, foresee_copy
from calzion.controller.forecast import Forecast
from calzion.controller.locks import CancellationToken
from calzion.controller.operations import destroy
from calzion.controller.origin import Origin
from calzion.controller.ownership import check_owner, create_deployment, deployments_of
from calzion.controller.parts import Parts
from calzion.controller.pins import unpinned
from calzion.controller.preparation import foresee, load_mask
from calzion.controller.store import deployments, releases, secrets
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import Release, ReleaseService, ReleaseState
from calzion.controller.traffic import Traffic
from calzion.controller.volumes import let_go
from calzion.errors import CalzionError
from calzion.model import (
    Cancellation,
    DeploymentName,
    ServiceDefinition,
    ServiceName,
    SourceTree,
    Template,
)
from calzion.progress import Story
from calzion.redaction import Mask

_log = logging.getLogger(__name__)

_NEVER_LIVE = (ReleaseState.FAILED, ReleaseState.CANCELLED)
"""States of releases that are tried again as they were meant: with the time to live they asked for."""


@dataclass(frozen=True, kw_only=True)
class ServiceChange:
    """One service set or, with `definition` None, removed; `source` names uploaded code for it."""

    name: ServiceName
    definition: ServiceDefinition | None = None
    source: str = ""


class Deployer:
    def __init__(self, parts: Parts, traffic: Traffic) -> None:
        self._parts = parts
        self._traffic = traffic
        self.activation = Activation(parts, traffic)
        self._cancellable = Cancellable()

    def check_owner(self, name: DeploymentName, repository: str | None) -> None:
        """Raises CalzionError (refused) where the deployment belongs to another repository; makes nothing."""
        check_owner(self._parts, name, repository)

    def deployments_of(self, repository: str) -> list[str]:
        return deployments_of(self._parts, repository)

    def with_origin(self, name: DeploymentName, claim: Claim) -> Claim:
        """The claim, with the data that the last try asked for where this one does not, and nothing is live yet."""
        if claim.data_from:
            return claim
        with self._parts.database.read() as connection:
            found = deployments.find(connection, name)
            origin = releases.origin_to_repeat(connection, found.id) if found else ""
        return replace(claim, data_from=origin)

    def check_origin(self, name: DeploymentName, claim: Claim) -> None:
        """Raises CalzionError where the deployment can't begin with the data that the claim names."""
        if claim.data_from:
            with self._parts.database.read() as connection:
                found = deployments.find(connection, name)
            find_origin(
                self._parts, found or deployments.provisional(name, claim.repository), claim.data_from
            )

    def destroy_pushed(self, name: DeploymentName, confirmation: str, listener: Listener) -> None:
        """Destroy a deployment whose branch git is about to delete. The caller holds the turn.

        Raises CalzionError (refused) that lists what would be lost where `confirmation` is not the name.
        """
        with self._parts.database.read() as connection:
            known = deployments.find(connection, name)
        if known is None:
            Story(listener).done(f"there is no deployment {name}: only its branch is deleted")
            return
        way = "git push -o destroy={name} calzion :{name}"
        destroy(self._parts, self._traffic, name, confirmation, Story(listener), way=way, with_branch=False)

    def secret_names(self, name: DeploymentName) -> frozenset[str]:
        """The names of the deployment's secrets, which its template may refer to."""
        with self._parts.database.read() as connection:
            found = deployments.find(connection, name)
            return (
                frozenset(each.name for each in secrets.listed(connection, found)) if found else frozenset()
            )

    @contextmanager
    def turn(
        self, name: DeploymentName, holder: str, listener: Listener, cancellation: Cancellation
    ) -> Iterator[None]:
        """Hold the deployment's lock; the listener hears for whom it waits. No error tells secrets."""
        story = Story(listener)
        lock = self._parts.locks.hold(name, holder, cancellation, lambda text: story.step(f"{name}: {text}"))
        try:
            with lock, self.masked(name):
                yield
        finally:
            # What could not be ended or taken back is the reconciler's, now that nobody holds the lock.
            self._parts.observed.touch()

    @contextmanager
    def masked(self, name: DeploymentName) -> Iterator[None]:
        """No error that leaves this tells the deployment's secrets."""
        try:
            yield
        except CalzionError as error:
            self.mask(name).error(error)
            raise

    def mask(self, name: DeploymentName) -> Mask:
        """What hides the deployment's secrets and generated values."""
        with self._parts.database.read() as connection:
            found = deployments.find(connection, name)
            return load_mask(self._parts, connection, found) if found else Mask({})

    def release_template(
        self,
        name: DeploymentName,
        template: Template,
        sources: Mapping[ServiceName, SourceTree],
        claim: Claim,
        listener: Listener,
        cancellation: Cancellation,
    ) -> Release:
        """Make the deployment what the template says. The caller holds the turn."""
        deployment = create_deployment(self._parts, name, claim.repository)
        with self._parts.database.write() as connection:
            release = releases.open_release(
                connection,
                deployment.id,
                user=claim.user,
                commit=claim.commit,
                data_from=claim.data_from,
                ttl=claim.ttl,
                state=ReleaseState.WAITING,
                now=self._parts.now(),
            )
            releases.set_sections(connection, release.id, template.env, template.generate, template.tasks)
            origin = str(Origin(commit=claim.commit))
            services = [
                ReleaseService(definition=definition, source=origin if definition.code else "")
                for definition in template.services
            ]
            releases.add_services(connection, release.id, services)
        return self.activation.activate(
            deployment, release.id, sources, listener, cancellation, may_hold=False
        )

    def forecast(
        self,
        name: DeploymentName,
        template: Template,
        sources: Mapping[ServiceName, SourceTree],
        claim: Claim,
    ) -> Forecast:
        """What `release_template` would do now. Writes nothing, and waits for nobody. No error tells secrets."""
        with self._parts.database.read() as connection:
            found = deployments.find(connection, name)
        deployment = found or deployments.provisional(name, claim.repository)
        services = [ReleaseService(definition=definition) for definition in template.services]
        with self.masked(name):
            prepared = foresee(
                self._parts, deployment, template, services, sources, copying=bool(claim.data_from)
            )
            copied = (
                foresee_copy(self._parts, deployment, claim.data_from, prepared.surroundings)
                if claim.data_from
                else {}
            )
        return Forecast(
            deployment=name,
            plan=prepared.plan,
            old_commits=commits_of(prepared.current, prepared.old),
            new_commits={service: source.commit for service, source in sources.items()},
            volumes=let_go(self._parts, name, prepared),
            data_from=claim.data_from,
            copied=copied,
        )

    def change_service(
        self,
        name: DeploymentName,
        change: ServiceChange,
        claim: Claim,
        listener: Listener,
        cancellation: Cancellation,
    ) -> Release:
        """A release of one change on top of the current one. The caller holds the turn."""
        deployment = create_deployment(self._parts, name)
        with self._parts.database.read() as connection:
            current = releases.current(connection, deployment.id)
            old = releases.services(connection, current.id) if current else ()
        services = _changed(old, change, name)
        wanted = [each for each in services if self._needs_build(each, change) and is_known(current, each)]
        with opened(self._parts, deployment, current, wanted) as sources:
            release = self.open_copy(deployment, current, services, claim)
            return self.activation.activate(
                deployment, release.id, sources, listener, cancellation, may_hold=True
            )

    def open_copy(
        self,
        deployment: Deployment,
        old: Release | None,
        services: Iterable[ReleaseService],
        claim: Claim,
        act: str = "",
        restores: int | None = None,
    ) -> Release:
        """A release of `services`, yet to be rolled out, with the template's sections of an older one."""
        again = old if old and old.state in _NEVER_LIVE else None
        with self._parts.database.write() as connection:
            release = releases.open_release(
                connection,
                deployment.id,
                user=claim.user,
                commit=claim.commit,
                act=act,
                restores=restores,
                data_from=releases.origin_to_repeat(connection, deployment.id),
                ttl=again.ttl if again else None,
                state=ReleaseState.WAITING,
                now=self._parts.now(),
            )
            if old:
                releases.set_sections(connection, release.id, old.env, old.generate, old.tasks)
                releases.set_source(connection, release.id, old.source)
            releases.add_services(connection, release.id, services)
        return release

    def _needs_build(self, service: ReleaseService, change: ServiceChange) -> bool:
        """Code that came while its service was held has not been built yet."""
        return bool(service.name == change.name and change.source) or lacks_slug(self._parts, service)

    @contextmanager
    def cancellable(self, release_id: int, token: CancellationToken) -> Iterator[None]:
        """Have `cancel` of the release cancel the token."""
        with self._cancellable.known(release_id, token):
            yield

    def cancel(self, name: DeploymentName, number: int) -> None:
        """Give a release up. Raises CalzionError (conflict) where it has ended already."""
        with self._parts.database.write() as connection:
            deployment = deployments.find(connection, name)
            release = releases.find(connection, deployment.id, number) if deployment else None
            if release is None:
                raise CalzionError(f"{name} has no v{number}", code="not_found")
            is_open = release.state is ReleaseState.OPEN
            if is_open:
                now, why = self._parts.now(), "given up before it was rolled out"
                releases.finish(connection, release.id, ReleaseState.CANCELLED, now, why)
        if not self._cancellable.cancel(release.id) and not is_open:
            raise CalzionError(f"v{number} of {name} has ended already", code="conflict")


def commits_of(current: Release | None, services: Iterable[ReleaseService]) -> dict[ServiceName, str]:
    """What the code of each service of the current release was made of."""
    origins = {service.name: Origin.parse(service.source) for service in services}
    return {
        name: origin.commit if origin.known or current is None else current.commit
        for name, origin in origins.items()
    }


def _changed(old: Sequence[ReleaseService], change: ServiceChange, name: str) -> list[ReleaseService]:
    kept = {service.name: service for service in old}
    before = kept.pop(change.name, None)
    if change.definition is None:
        if before is None:
            raise CalzionError(f"{name} has no service {change.name}", code="not_found")
        return [unpinned(each) for each in kept.values()]
    service = ReleaseService(definition=change.definition, source=change.source)
    if before and before.definition.code == change.definition.code:
        service = replace(service, slug=before.slug, source=change.source or before.source)
    return [unpinned(each) for each in (*kept.values(), service)]
