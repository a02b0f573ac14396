"""Carrying out a plan: what is new becomes healthy beside the old, then one durable moment switches it all."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from calzion.controller import launch
from calzion.controller.beginning import Begin, Beginning
from calzion.controller.commands import Commands
from calzion.controller.copying import Copy
from calzion.controller.formation import release_command
from calzion.controller.hostnames import urls
from calzion.controller.launch import Launch, Order
from calzion.controller.live import live_specs
from calzion.controller.locks import CancellationToken, check_cancelled
from calzion.controller.parts import Parts
from calzion.controller.plan import Change, stages
from calzion.controller.preparation import Prepared, load_mask, prepare
from calzion.controller.pulling import pin_images
from calzion.controller.remarks import remarks
from calzion.controller.store import deployments, instances, releases
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.instances import InstanceRecord, InstanceRole
from calzion.controller.store.releases import Release, ReleaseService
from calzion.controller.store.secrets import Versions
from calzion.controller.surroundings import Member
from calzion.controller.traffic import Traffic, is_data_service
from calzion.controller.volumes import remove_stray
from calzion.errors import CalzionError
from calzion.lifetime import describe_end
from calzion.model import BuildOrder, Cancellation, RunSpec, ServiceName, Slug, SourceTree
from calzion.progress import STEP, Event, Story

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a release is rolled out: with these versions of the secrets, or the newest; with or without release commands
    and tasks. `notes` are told before its end. `begin` makes what a new deployment begins with where its release names
    no other deployment; `sanitize` has tasks sanitize that too. `anew` pulls also images that are there. `images` are,
    by services, those with their digests that are to be pulled where their registries still give them.
    """

    secrets: Versions | None = None
    commands: bool = True
    notes: Sequence[str] = ()
    begin: Begin | None = None
    sanitize: bool = False
    anew: bool = False
    images: Mapping[ServiceName, str] = field(default_factory=dict)


USUAL = Manner()


class Rollout:
    """One release of one deployment, from its plan to its switch. The deployment's lock is held meanwhile."""

    def __init__(
        self,
        parts: Parts,
        traffic: Traffic,
        deployment: Deployment,
        release: Release,
        story: Story,
        cancellation: Cancellation,
        manner: Manner,
    ) -> None:
        self._parts = parts
        self._traffic = traffic
        self._manner = manner
        self._deployment = deployment
        self._release = release
        self._story = story
        self._cancellation = cancellation
        self._parked: list[InstanceRecord] = []
        self._way_back: list[RunSpec] = []
        self._previous: Release | None = None

    def run(
        self, services: Sequence[ReleaseService], sources: Mapping[ServiceName, SourceTree], *, may_hold: bool
    ) -> list[InstanceRecord]:
        """Roll out, and return the old instances that are to be drained. Raises CalzionError; then nothing changed."""
        services = self._pin(services)
        prepared = self._prepare(services, sources)
        beginning = self._prepare_beginning(prepared)
        self._tell(prepared, may_hold)
        beginning.announce(prepared.plan.tasks)
        slugs = self._build(prepared)
        new = Launch(
            self._parts,
            self._deployment,
            self._release,
            prepared.surroundings,
            self._story,
            self._cancellation,
        )
        try:
            began = self._start(prepared, slugs, new, beginning)
            check_cancelled(self._cancellation)
            old = self._switch(prepared, services, new, beginning)
        except BaseException:
            self._undo(new, beginning)
            raise
        self._follow(prepared, began, beginning)
        return old

    def _pin(self, services: Sequence[ReleaseService]) -> Sequence[ReleaseService]:
        return pin_images(
            self._parts,
            self._deployment,
            self._release,
            services,
            self._story,
            self._cancellation,
            anew=self._manner.anew,
            wanted=self._manner.images,
        )

    def _prepare(
        self, services: Sequence[ReleaseService], sources: Mapping[ServiceName, SourceTree]
    ) -> Prepared:
        prepared = prepare(
            self._parts,
            self._deployment,
            self._release,
            services,
            sources,
            copying=bool(self._release.data_from) or self._manner.sanitize,
        )
        if not self._manner.commands:
            prepared = replace(prepared, plan=replace(prepared.plan, tasks=()))
        with self._parts.database.write() as connection:
            # Before any slug is looked for: what is recorded here is never pruned.
            for service in services:
                code = prepared.versions[service.name].code
                if code != service.slug:
                    releases.set_service_slug(connection, self._release.id, service.name, code)
            releases.set_changes(connection, self._release.id, prepared.plan.changes())
            self._story.mask = load_mask(self._parts, connection, self._deployment)
        return prepared

    def _prepare_beginning(self, prepared: Prepared) -> Beginning:
        if self._manner.begin:
            return self._manner.begin(prepared.surroundings, self._story, self._cancellation)
        return Copy.prepare(
            self._parts,
            self._deployment,
            self._release,
            prepared.surroundings,
            self._story,
            self._cancellation,
        )

    def _tell(self, prepared: Prepared, may_hold: bool) -> None:
        what = f" {self._release.act}" if self._release.act else ""
        what += f" from {self._release.commit[:7]}" if self._release.commit and not what else ""
        title = f"{self._deployment.name}: release v{self._release.number}{what} ({self._release.user})"
        self._story.emit(Event(kind=STEP, text=title, detail={"release": self._release.number}))
        for line in prepared.plan.lines():
            self._story.log(line)
        for member in prepared.surroundings.members.values():
            image = member.definition.image
            if member.appliance and image != f"calzion/{member.appliance}":
                self._story.log(f"{image} is served by the appliance calzion/{member.appliance}")
        held = prepared.plan.held
        if held and not may_hold:
            raise CalzionError(
                f"{held[0].service} is held: {', '.join(held[0].reasons)}",
                hint="nothing has changed",
                code="start",
            )

    def _build(self, prepared: Prepared) -> dict[ServiceName, Slug]:
        wanted = [name for name in prepared.plan.start if not prepared.surroundings.members[name].appliance]
        slugs: dict[ServiceName, Slug] = {}
        missing: list[BuildOrder] = []
        for name in wanted:
            found = self._parts.builder.find(prepared.versions[name].code)
            if found:
                slugs[name] = found
            elif name in prepared.builds:
                missing.append(prepared.builds[name])
            else:
                raise CalzionError(f"the slug of {name} is gone", hint="push its code again", code="build")
        for name, slug in slugs.items():
            member = prepared.surroundings.members[name]
            for remark in remarks(member, slug, prepared.surroundings.volumes(member)):
                self._story.warning(remark)
        for name in sorted(slugs.keys() & prepared.builds.keys()):
            self._story.step(f"{name} was built before: its slug is used again")
        return slugs | self._build_all(missing)

    def _build_all(self, orders: Sequence[BuildOrder]) -> dict[ServiceName, Slug]:
        if not orders:
            return {}
        # The first failure ends the other builds: their result could not go live.
        together = CancellationToken()
        forget = self._cancellation.on_cancel(together.cancel)
        errors: list[CalzionError] = []

        def build(order: BuildOrder) -> Slug | None:
            try:
                return self._parts.builder.build(order, self._story, together)
            except CalzionError as error:
                errors.append(error)
                together.cancel()
                return None

        with ThreadPoolExecutor(max_workers=len(orders), thread_name_prefix="build") as pool:
            results = list(pool.map(build, orders))
        forget()
        if errors:
            check_cancelled(self._cancellation)
            raise errors[0]
        return {order.service: slug for order, slug in zip(orders, results, strict=True) if slug}

    def _start(
        self, prepared: Prepared, slugs: Mapping[ServiceName, Slug], new: Launch, beginning: Beginning
    ) -> float:
        check_cancelled(self._cancellation)
        plan = {item.service: item.change for item in prepared.plan.items}
        members = prepared.surroundings.members
        exclusive = [
            name for name in prepared.plan.start if members[name].exclusive and plan[name] is Change.CHANGED
        ]
        beside = [name for name in prepared.plan.start if name not in exclusive]
        # Images that need nobody may be what release commands go to, as appliances are.
        servers = [
            name for name in beside if members[name].is_server and not members[name].definition.require
        ]
        began = time.monotonic()
        beginning.fill()
        self._start_wave(prepared, slugs, new, servers)
        beginning.restore()
        commands = self._commands(prepared)
        for task in prepared.plan.tasks:
            if task.sanitize:
                commands.task(task, self._slug(prepared, slugs, task.service))
        for name in prepared.plan.start:
            self._run_release_command(commands, members[name], slugs.get(name))
        apps = [name for name in beside if name not in servers]
        tasks = [task for task in prepared.plan.tasks if not task.sanitize]
        for stage in stages(apps, tasks, list(prepared.versions.values())):
            for task in stage.tasks:
                commands.task(task, self._slug(prepared, slugs, task.service))
            self._start_wave(prepared, slugs, new, stage.services)
        for name in exclusive:
            self._park([name])
            self._start_wave(prepared, slugs, new, [name])
        return began

    def _start_wave(
        self, prepared: Prepared, slugs: Mapping[ServiceName, Slug], new: Launch, names: Sequence[ServiceName]
    ) -> None:
        if not names:
            return
        orders: list[Order] = []
        counts = launch.formation(self._parts, self._deployment)
        for name in names:
            pool = f"{self._deployment.name}.{name}.{self._parts.new_id()}"
            member = prepared.surroundings.members[name]
            orders += launch.orders(
                self._parts.backend, member, slugs.get(name), prepared.surroundings, counts, pool
            )
        for name in names:
            mine = [order for order in orders if order.member.name == name]
            shape = ", ".join(f"{order.process.type} {len(order.ordinals)}" for order in mine)
            self._story.step(f"Starting {name}: {shape}")
        if orders:
            new.start(orders)
        if any(is_data_service(record) for record in new.records if record.service in names):
            self._traffic.apply()

    def _commands(self, prepared: Prepared) -> Commands:
        return Commands(
            parts=self._parts,
            deployment=self._deployment,
            release=self._release,
            surroundings=prepared.surroundings,
            story=self._story,
            cancellation=self._cancellation,
        )

    def _run_release_command(self, commands: Commands, member: Member, slug: Slug | None) -> None:
        command = release_command(member.definition, slug.process_types) if slug else None
        if slug and command and self._manner.commands:
            commands.release_command(member, slug, command)

    def _slug(self, prepared: Prepared, slugs: Mapping[ServiceName, Slug], service: ServiceName) -> Slug:
        """The code of an app, also of one that this release leaves as it is."""
        slug = slugs.get(service) or self._parts.builder.find(prepared.versions[service].code)
        if slug is None:
            raise CalzionError(f"the slug of {service} is gone", hint="push its code again", code="build")
        return slug

    def _undo(self, new: Launch, beginning: Beginning) -> None:
        """Take back what was done, what serves first. What can't be taken back now is left to the reconciler."""
        routed = any(is_data_service(record) for record in new.records)
        stray = partial(remove_stray, self._parts, self._deployment)
        unroute = self._traffic.apply if routed else lambda: None
        steps: tuple[Callable[[], None], ...] = (
            partial(self._unpark, new),
            new.take_back,
            unroute,
            beginning.undo,
            stray,
        )
        for step in steps:
            try:
                step()
            except (CalzionError, OSError, SQLAlchemyError) as error:
                name = f"{self._deployment.name} v{self._release.number}"
                _log.warning("%s can't be taken back as a whole now: %s", name, error)

    def _park(self, names: Iterable[str]) -> None:
        """End what can't run beside its successor. What it takes to start it again is known before."""
        specs = live_specs(self._parts, self._deployment.id)
        self._way_back += [spec for spec in specs if spec.service in names]
        with self._parts.database.write() as connection:
            live = instances.of_deployment(connection, self._deployment.id, InstanceRole.LIVE)
            mine = [record for record in live if record.service in names]
            instances.set_state(connection, [record.id for record in mine], InstanceRole.PARKED)
        self._parked += mine
        self._parts.backend.stop([record.id for record in mine])

    def _unpark(self, new: Launch) -> None:
        """Start again what could not run beside its successor, which ends before."""
        if not self._parked:
            return
        new.stop()
        self._parts.backend.ensure(self._way_back)
        with self._parts.database.write() as connection:
            instances.set_state(connection, [record.id for record in self._parked], InstanceRole.LIVE)

    def _switch(
        self, prepared: Prepared, services: Sequence[ReleaseService], new: Launch, beginning: Beginning
    ) -> list[InstanceRecord]:
        replaced = {item.service for item in prepared.plan.items if item.change is not Change.UNCHANGED}
        held = {item.service: item.reasons[0] for item in prepared.plan.held}
        with self._parts.database.write() as connection:
            for service in services:
                version = prepared.versions[service.name]
                releases.put_service(
                    connection,
                    self._release.id,
                    ReleaseService(
                        definition=service.definition,
                        source=service.source,
                        slug=version.code,
                        fingerprint=version.fingerprint,
                        held=held.get(service.name, ""),
                    ),
                )
            started = {record.id for record in new.records}
            old = [
                record
                for record in instances.of_deployment(
                    connection, self._deployment.id, InstanceRole.LIVE, InstanceRole.PARKED
                )
                if record.service in replaced and record.id not in started
            ]
            instances.set_state(connection, [record.id for record in old], InstanceRole.DRAINING)
            instances.set_state(connection, sorted(started), InstanceRole.LIVE)
            beginning.keep(connection)
            if self._release.ttl is not None:
                deployments.set_ttl(connection, self._deployment.id, self._release.ttl, self._parts.now())
            self._previous = releases.current(connection, self._deployment.id)
            releases.make_current(connection, self._release, self._parts.now())
        self._parked = []
        return old

    def _follow(self, prepared: Prepared, began: float, beginning: Beginning) -> None:
        """What follows from the switch. Nothing here undoes it: what fails is made up for by the reconciler."""
        switched = "traffic switched"
        try:
            self._traffic.apply()
        except (CalzionError, OSError) as error:
            self._story.warning(f"{error}; traffic follows as soon as the router can take it")
            switched = "release switched"
        if not prepared.plan.changes_something:
            self._story.step("Nothing has changed: everything runs on as it is")
        if prepared.plan.start or prepared.plan.stop:
            seconds = time.monotonic() - began
            draining = f"; v{self._previous.number} draining" if self._previous else ""
            self._story.step(f"Healthy after {seconds:.1f} s; {switched}{draining}")
        with self._parts.database.read() as connection:
            routed = urls(self._parts, connection, self._deployment)
            expires = deployments.by_id(connection, self._deployment.id).expires
        beginning.settle()
        if expires is not None:
            self._story.log(f"{self._deployment.name} {describe_end(expires, self._parts.now())}")
        for url in routed:
            self._story.log(url)
        if not routed:
            self._story.log("no web process: nothing is routed")
        for note in self._manner.notes:
            self._story.log(note)
