"""The use cases that roll out: each takes the deployment's lock, tells its story, and leaves all or nothing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from sqlalchemy.exc import SQLAlchemyError

from calzion.controller.cancellable import Cancellable
from calzion.controller.code import is_known, lacks_slug, opened
from calzion.controller.copying import find_origin, undo_copy
from calzion.controller.forecast import Forecast
from calzion.controller.locks import CancellationToken
from calzion.controller.operations import destroy
from calzion.controller.origin import Origin
from calzion.controller.parts import Parts
from calzion.controller.preparation import foresee, load_mask
from calzion.controller.retention import prune
from calzion.controller.rollout import USUAL, Manner, Rollout
from calzion.controller.store import deployments, releases, secrets
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.instances import InstanceRecord
from calzion.controller.store.releases import Release, ReleaseService, ReleaseState
from calzion.controller.stories import StoryWriter
from calzion.controller.traffic import Traffic
from calzion.errors import CalzionError
from calzion.model import (
    Cancellation,
    DeploymentName,
    ServiceDefinition,
    ServiceName,
    SourceTree,
    Template,
)
from calzion.progress import Event, Story
from calzion.redaction import Mask

_log = logging.getLogger(__name__)

Listener = Callable[[Event], None]

_NEVER_LIVE = (ReleaseState.FAILED, ReleaseState.CANCELLED)
"""States of releases that are tried again as they were meant: with the data and the time to live they asked for."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Whose change this is. `repository` is set where a push makes it.

    `data_from` and `ttl` are what its release says of where data comes from, and how long the deployment lives.
    """

    user: str
    repository: str | None = None
    commit: str = ""
    data_from: str = ""
    ttl: int | None = None

    @property
    def holder(self) -> str:
        act = "push" if self.repository else "deploy"
        what = f"{act} of {self.commit[:7]}" if self.commit else "change"
        return f"{self.user}'s {what}"


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
        self._stopping = CancellationToken()
        self._cancellable = Cancellable()
        self._idle = threading.Condition()
        self._rolling = 0

    def wait_for_rollouts(self, timeout: float) -> None:
        """Cancel what has not switched yet, and wait until no rollout is under way."""
        self._stopping.cancel()
        with self._idle:
            self._idle.wait_for(lambda: self._rolling == 0, timeout)

    def create_deployment(self, name: DeploymentName, repository: str | None = None) -> Deployment:
        """Idempotent. Raises CalzionError (refused) where the deployment belongs to another repository."""
        with self._parts.database.write() as connection:
            found = deployments.create(connection, name, repository, self._parts.now())
        _require_owner(found, repository)
        return found

    def check_owner(self, name: DeploymentName, repository: str | None) -> None:
        """Raises CalzionError (refused) where the deployment belongs to another repository; makes nothing."""
        with self._parts.database.read() as connection:
            found = deployments.find(connection, name)
        if found and found.repository:
            _require_owner(found, repository)

    def check_origin(self, name: DeploymentName, claim: Claim) -> None:
        """Raises CalzionError where the deployment can't begin with the data that the claim names."""
        if claim.data_from:
            with self._parts.database.read() as connection:
                found = deployments.find(connection, name)
            if found and found.copying:
                return  # what is there is removed before the release begins
            find_origin(
                self._parts, found or deployments.provisional(name, claim.repository), claim.data_from
            )

    def add_serving(self, name: DeploymentName, error: CalzionError) -> None:
        """Have a failure's hint say what serves on."""
        with self._parts.database.read() as connection:
            deployment = deployments.find(connection, name)
            current = releases.current(connection, deployment.id) if deployment else None
        if current:
            error.hint = "\n".join(part for part in (error.hint, f"v{current.number} keeps serving") if part)

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

    def deployments_of(self, repository: str) -> list[str]:
        with self._parts.database.read() as connection:
            return [
                each.name for each in deployments.all_deployments(connection) if each.repository == repository
            ]

    @contextmanager
    def turn(
        self, name: DeploymentName, holder: str, listener: Listener, cancellation: Cancellation
    ) -> Iterator[None]:
        """Hold the deployment's lock; the listener hears for whom it waits. No error tells secrets."""
        story = Story(listener)
        with self._parts.locks.hold(name, holder, cancellation, lambda text: story.step(f"{name}: {text}")):
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
        deployment = self.create_deployment(name, claim.repository)
        with self._parts.database.write() as connection:
            release = releases.open_release(
                connection,
                deployment.id,
                user=claim.user,
                commit=claim.commit,
                data_from=claim.data_from,
                ttl=claim.ttl,
                now=self._parts.now(),
            )
            releases.set_sections(connection, release.id, template.env, template.generate, template.tasks)
            for definition in template.services:
                source = str(Origin(commit=claim.commit)) if definition.git else ""
                service = ReleaseService(definition=definition, source=source)
                releases.put_service(connection, release.id, service)
        return self.activate(deployment, release.id, sources, listener, cancellation, may_hold=False)

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
        try:
            prepared = foresee(
                self._parts, deployment, template, services, sources, copying=bool(claim.data_from)
            )
        except CalzionError as error:
            self.mask(name).error(error)
            raise
        return Forecast(
            deployment=name,
            plan=prepared.plan,
            old_commits=commits_of(prepared.current, prepared.old),
            new_commits={service: source.commit for service, source in sources.items()},
            volumes=self._parts.backend.volumes(name),
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
        deployment = self.create_deployment(name)
        with self._parts.database.read() as connection:
            current = releases.current(connection, deployment.id)
            old = releases.services(connection, current.id) if current else ()
        services = _changed(old, change, name)
        wanted = [each for each in services if self._needs_build(each, change) and is_known(current, each)]
        with opened(self._parts, deployment, current, wanted) as sources:
            release = self.open_copy(deployment, current, services, claim)
            return self.activate(deployment, release.id, sources, listener, cancellation, may_hold=True)

    def open_copy(
        self,
        deployment: Deployment,
        old: Release | None,
        services: Iterable[ReleaseService],
        claim: Claim,
        act: str = "",
    ) -> Release:
        """An open release of `services` with the template's sections of an older one."""
        again = old if old and old.state in _NEVER_LIVE else None
        with self._parts.database.write() as connection:
            release = releases.open_release(
                connection,
                deployment.id,
                user=claim.user,
                commit=claim.commit,
                act=act,
                data_from=again.data_from if again else "",
                ttl=again.ttl if again else None,
                now=self._parts.now(),
            )
            if old:
                releases.set_sections(connection, release.id, old.env, old.generate, old.tasks)
                releases.set_source(connection, release.id, old.source)
            for service in services:
                releases.put_service(connection, release.id, service)
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

    def activate(
        self,
        deployment: Deployment,
        release_id: int,
        sources: Mapping[ServiceName, SourceTree],
        listener: Listener,
        cancellation: Cancellation,
        *,
        may_hold: bool,
        manner: Manner = USUAL,
    ) -> Release:
        """Roll an open release out. Its story ends with `done` or `error`, and the error is raised too."""
        with self._parts.database.read() as connection:
            left_half = deployments.by_id(connection, deployment.id).copying
        if left_half:
            undo_copy(self._parts, deployment)
        with self._parts.database.write() as connection:
            now = self._parts.now()
            releases.start(connection, release_id, ReleaseState.ROLLING, now)
            newest = secrets.newest(connection, deployment.id)
            releases.set_secrets(connection, release_id, newest if manner.secrets is None else manner.secrets)
            release = releases.by_id(connection, release_id)
            if release.ttl is not None and releases.current(connection, deployment.id) is None:
                # What fails at its first release goes too when its time is over.
                deployments.set_ttl(connection, deployment.id, release.ttl, now)
            services = releases.services(connection, release_id)
            mask = load_mask(self._parts, connection, deployment)
        story = self._parts.stories.write(deployment.id, release.number, listener)
        story.mask = mask
        try:
            with self._under_way(cancellation) as either:
                rollout = Rollout(self._parts, self._traffic, deployment, release, story, either, manner)
                old = self._roll_out(rollout, release, story, deployment, services, sources, may_hold)
        except CalzionError as error:
            self._fail(deployment, release, error, story)
            raise
        else:
            self._drain(old)
        finally:
            story.close()
            prune(self._parts)
        return release

    @contextmanager
    def _under_way(self, cancellation: Cancellation) -> Iterator[Cancellation]:
        """A cancellation by whoever asked, or by the end of this process."""
        either = CancellationToken()
        forget = [source.on_cancel(either.cancel) for source in (cancellation, self._stopping)]
        with self._idle:
            self._rolling += 1
        try:
            yield either
        finally:
            for each in forget:
                each()
            with self._idle:
                self._rolling -= 1
                self._idle.notify_all()

    def _roll_out(
        self,
        rollout: Rollout,
        release: Release,
        story: StoryWriter,
        deployment: Deployment,
        services: Sequence[ReleaseService],
        sources: Mapping[ServiceName, SourceTree],
        may_hold: bool,
    ) -> list[InstanceRecord]:
        began = self._parts.now()
        try:
            old = rollout.run(services, sources, may_hold=may_hold)
        except CalzionError:
            raise
        except Exception as error:
            _log.exception("rollout of %s v%s broke", deployment.name, release.number)
            raise CalzionError(
                f"Calzion itself failed: {type(error).__name__}: {error}",
                hint="its log (logs/reconciler.log below the data directory) has the cause",
            ) from error
        seconds = self._parts.now() - began
        story.done(f"{deployment.name} v{release.number} is live   ({seconds:.1f} s)", release=release.number)
        return old

    def _fail(self, deployment: Deployment, release: Release, error: CalzionError, story: Story) -> None:
        story.mask.error(error)
        state = ReleaseState.CANCELLED if error.code == "cancelled" else ReleaseState.FAILED
        try:
            with self._parts.database.write() as connection:
                releases.finish(connection, release.id, state, self._parts.now(), error.message)
        except (OSError, SQLAlchemyError) as problem:
            _log.error("the end of v%s can't be recorded now: %s", release.number, problem)
        self.add_serving(deployment.name, error)
        story.error(error)
        error.told = True

    def _drain(self, old: Sequence[InstanceRecord]) -> None:
        if old:
            ending = ExitStack()
            ending.enter_context(self._traffic.ending(old))
            threading.Thread(target=self._drain_safely, args=(old, ending), name="drain", daemon=True).start()

    def _drain_safely(self, old: Sequence[InstanceRecord], ending: ExitStack) -> None:
        with ending:
            try:
                self._traffic.drain(old)
            except (CalzionError, OSError) as error:
                # The rows say `draining`: the reconciler's next pass ends them.
                _log.warning("draining is put off: %s", error)


def commits_of(current: Release | None, services: Iterable[ReleaseService]) -> dict[ServiceName, str]:
    """What the code of each service of the current release was made of."""
    origins = {service.name: Origin.parse(service.source) for service in services}
    return {
        name: origin.commit if origin.known or current is None else current.commit
        for name, origin in origins.items()
    }


def _require_owner(deployment: Deployment, repository: str | None) -> None:
    if deployment.destroying:
        raise CalzionError(
            f"{deployment.name} is being destroyed", hint="push again in a moment", code="conflict"
        )
    if repository and deployment.repository != repository:
        raise CalzionError(
            f"{deployment.name} belongs to the repository {deployment.repository}, not to {repository}",
            hint="push to another deployment name, or destroy this one first",
            code="refused",
        )


def _changed(old: Sequence[ReleaseService], change: ServiceChange, name: str) -> list[ReleaseService]:
    kept = {service.name: service for service in old}
    before = kept.pop(change.name, None)
    if change.definition is None:
        if before is None:
            raise CalzionError(f"{name} has no service {change.name}", code="not_found")
        return list(kept.values())
    service = ReleaseService(definition=change.definition, source=change.source)
    if before and before.definition.git == change.definition.git:
        service = replace(service, slug=before.slug, source=change.source or before.source)
    return [*kept.values(), service]
