"""Export: what a deployment is right now, as one stream of bytes. It serves on meanwhile unless it is to be paused."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import calzion
from calzion.controller import views
from calzion.controller.appliance import generated_password
from calzion.controller.code import is_known, opened
from calzion.controller.live import Live, find_live, live_specs
from calzion.controller.moving.format import ArchiveWriter
from calzion.controller.moving.history import Histories
from calzion.controller.moving.manifest import (
    HISTORY,
    CodePlace,
    Manifest,
    Stream,
    StreamKind,
    Values,
)
from calzion.controller.operations import find_deployment
from calzion.controller.origin import Origin
from calzion.controller.parts import Parts
from calzion.controller.pipe import PROGRESS_INTERVAL
from calzion.controller.store import deployments, releases, secrets, tasks
from calzion.controller.store.releases import ReleaseService
from calzion.controller.tap import pour_out
from calzion.controller.transfer import Outlet, Side, outlets
from calzion.errors import CalzionError
from calzion.model import Cancellation, DeploymentName, Generate, RepositoryName, ServiceName, Template
from calzion.progress import Story

Take = Callable[[bytes], None]


@dataclass(frozen=True, kw_only=True)
class ExportOrder:
    """`pause`: no app runs while the data is read, so that files and databases are of one moment."""

    deployment: DeploymentName
    user: str
    with_secrets: bool = True
    pause: bool = False


def export(
    parts: Parts, histories: Histories, order: ExportOrder, take: Take, story: Story, cancel: Cancellation
) -> None:
    """Have `take` called with the archive, piece by piece. The caller holds the turn, so no release comes between.

    Raises CalzionError (not_found, build, failed, cancelled); what was given until then is no whole archive.
    """
    cargo = _load(parts, histories, order)
    name = order.deployment
    story.mask = cargo.live.surroundings.mask
    story.step(f"Exporting {name} v{cargo.live.release.number}")
    _tell(cargo, order, story)
    writer, began = ArchiveWriter(take), time.monotonic()
    writer.begin(cargo.manifest, cargo.values if order.with_secrets else None)
    with _paused(parts, cargo.live, story) if order.pause else nullcontext():
        for stream in cargo.manifest.streams:
            with writer.stream(stream) as put:
                _Source(parts, histories, cargo, story, cancel).write(stream, put)
    writer.finish()
    seconds = time.monotonic() - began
    story.done(f"{name} v{cargo.live.release.number} is exported   ({seconds:.1f} s)", size=writer.written)


@contextmanager
def _paused(parts: Parts, live: Live, story: Story) -> Iterator[None]:
    """The rows stay as they are: whatever ends this, the next start of the controller has everything run again."""
    ids = {each.id for each in live.records if not live.member(each.service).appliance}
    story.step(
        f"Pausing {', '.join(sorted({each.service for each in live.records if each.id in ids})) or 'no app'}"
    )
    try:
        parts.backend.stop(sorted(ids))
        yield
    finally:
        parts.backend.ensure([spec for spec in live_specs(parts, live.deployment.id) if spec.id in ids])
        story.step("Everything runs again")


@dataclass(frozen=True, kw_only=True)
class _Cargo:
    live: Live
    manifest: Manifest
    values: Values = field(repr=False)
    outlets: Mapping[str, Outlet]
    uploads: Mapping[str, str]
    left: Sequence[str]


def _load(parts: Parts, histories: Histories, order: ExportOrder) -> _Cargo:
    live = find_live(parts, find_deployment(parts, order.deployment))
    deployment, release = live.deployment, live.release
    with parts.database.read() as connection:
        services = releases.services(connection, release.id)
        generated = deployments.generated_values(connection, parts.vault, deployment)
        versions = {**release.secrets, **secrets.newest(connection, deployment.id)}
        values = secrets.values(connection, parts.vault, deployment, versions)
        scale = deployments.formation(connection, deployment.id)
        done = tasks.done(connection, deployment.id)
    with opened(parts, deployment, release, [each for each in services if is_known(release, each)]):
        pass  # it is all here
    present = parts.backend.volume_names(deployment.name)
    side = Side(surroundings=live.surroundings, release=release.number, new_id=parts.new_id)
    taken = {_data_stream(each): each for each in outlets(side, present)}
    names = frozenset(each.name for each in services)
    code = _Code.of(services, release.source)
    manifest = Manifest(
        deployment=deployment.name,
        repository=RepositoryName(deployment.repository) if deployment.repository else None,
        release=release.number,
        commit=release.commit,
        made=views.iso(parts.now()) or "",
        by=order.user,
        version=calzion.__version__,
        ttl=deployment.ttl,
        template=Template(
            services=tuple(each.definition for each in services),
            env=release.env,
            generate=release.generate,
            tasks=release.tasks,
        ),
        code=code.places,
        tree=code.tree,
        images=_pins(parts, services),
        held=tuple(each.name for each in services if each.held),
        scale={unit: count for unit, count in scale.items() if unit[0] in names},
        done=tuple(sorted(done)),
        secrets=tuple(sorted(values)),
        generated=tuple(sorted(_still_used(generated, release.generate, names))),
        with_secrets=order.with_secrets,
        shallow=histories.shallow(deployment.repository or "") if code.has_history else (),
        streams=(*code.streams, *taken),
    )
    return _Cargo(
        live=live,
        manifest=manifest,
        values=Values(secrets=values, generated={name: generated[name] for name in manifest.generated}),
        outlets={stream.name: outlet for stream, outlet in taken.items()},
        uploads=code.uploads,
        left=_left(present, side),
    )


@dataclass(frozen=True, kw_only=True)
class _Code:
    """`uploads` are the names of the uploads by that of their stream."""

    places: Mapping[ServiceName, CodePlace]
    tree: str
    uploads: Mapping[str, str]

    @classmethod
    def of(cls, services: Sequence[ReleaseService], tree: str) -> _Code:
        places: dict[ServiceName, CodePlace] = {}
        streams: dict[str, str] = {}

        def stream(upload: str) -> str:
            return streams.setdefault(upload, f"code.{len(streams)}")

        whole = stream(tree) if tree else ""
        for each in services:
            origin = Origin.parse(each.source)
            if not each.definition.code:
                continue
            if origin.upload:
                places[each.name] = CodePlace(stream=stream(origin.upload), commit=origin.commit)
            elif origin.commit and not tree:
                places[each.name] = CodePlace(stream=HISTORY, commit=origin.commit)
        return cls(places=places, tree=whole, uploads={name: upload for upload, name in streams.items()})

    @property
    def has_history(self) -> bool:
        return any(place.stream == HISTORY for place in self.places.values())

    @property
    def streams(self) -> tuple[Stream, ...]:
        history = (Stream(name=HISTORY, kind=StreamKind.HISTORY),) if self.has_history else ()
        return (*history, *(Stream(name=name, kind=StreamKind.CODE) for name in self.uploads))


class _Source:
    def __init__(
        self, parts: Parts, histories: Histories, cargo: _Cargo, story: Story, cancel: Cancellation
    ) -> None:
        self._parts, self._histories, self._cargo = parts, histories, cargo
        self._story, self._cancel = story, cancel

    def write(self, stream: Stream, put: Take) -> None:
        counting = _Counting(put, self._story)
        self._story.step(f"Writing {_noun(stream)}")
        if stream.kind is StreamKind.HISTORY:
            repository = self._cargo.manifest.repository or ""
            self._histories.pack(repository, self._cargo.manifest.commits, counting)
        elif stream.kind is StreamKind.CODE:
            self._parts.uploads.pack(self._cargo.uploads[stream.name], counting)
        else:
            self._write_data(self._cargo.outlets[stream.name], counting)
        self._story.log(f"{counting.passed / 1e6:.1f} MB")

    def _write_data(self, outlet: Outlet, put: Take) -> None:
        ended = pour_out(self._parts, outlet.spec, put, self._cancel)
        if ended.exit.status not in (0, outlet.torn):
            raise CalzionError(
                f"{outlet.what} could not be read ({ended.exit})",
                hint="nothing was exported, and everything runs on",
                detail=ended.lines,
            )
        if ended.exit.status:
            self._story.warning(
                f"{outlet.service} wrote to {outlet.what} while it was read: see what was changed"
            )
            for line in ended.lines:
                self._story.log(line)


class _Counting:
    """Passes on, and tells now and then how much it was."""

    def __init__(self, put: Take, story: Story) -> None:
        self._put, self._story = put, story
        self._told = time.monotonic()
        self.passed = 0

    def __call__(self, data: bytes) -> None:
        self._put(data)
        self.passed += len(data)
        if time.monotonic() - self._told > PROGRESS_INTERVAL:
            self._told = time.monotonic()
            self._story.log(f"{self.passed / 1e6:.0f} MB so far")


def _pins(parts: Parts, services: Sequence[ReleaseService]) -> dict[ServiceName, str]:
    """What another server can pull by its digest."""
    slugs = {each.name: parts.builder.find(each.slug) for each in services if each.definition.image}
    return {name: slug.digest for name, slug in slugs.items() if slug and "@" in slug.digest}


def _data_stream(outlet: Outlet) -> Stream:
    name = ".".join(filter(None, ("data", outlet.service, outlet.volume)))
    return Stream(name=name, kind=StreamKind(outlet.kind.value), service=outlet.service, volume=outlet.volume)


def _still_used(
    generated: Collection[str], rules: Sequence[Generate], services: Collection[ServiceName]
) -> list[str]:
    """Without what was made for services and sections of earlier releases."""
    named = {rule.name for rule in (*rules, *(generated_password(name) for name in services))}
    return [name for name in generated if name in named]


def _left(present: Collection[str], side: Side) -> list[str]:
    """Volumes that no service of the release has."""
    used = {each.name for member in side.members for each in side.surroundings.volumes(member)}
    return sorted(name.replace(".", "/", 1) for name in present if name not in used)


def _noun(stream: Stream) -> str:
    nouns = {
        StreamKind.HISTORY: "the commits",
        StreamKind.CODE: f"uploaded code ({stream.name})",
        StreamKind.POSTGRES: f"the database {stream.service}",
        StreamKind.REDIS: f"the data of {stream.service}",
        StreamKind.VOLUME: f"the volume {stream.what}",
    }
    return nouns[stream.kind]


def _tell(cargo: _Cargo, order: ExportOrder, story: Story) -> None:
    manifest = cargo.manifest
    count = len(manifest.secrets) + len(manifest.generated)
    if order.with_secrets and count:
        story.warning(
            f"the file holds {len(manifest.secrets)} secrets and {len(manifest.generated)} generated values"
            " as they are: whoever reads it can use them (--without-secrets leaves them out)"
        )
    elif count:
        left = ", ".join(manifest.secrets) or "none"
        story.log(f"without secrets ({left}); generated values will be made anew")
    for volume in cargo.left:
        story.warning(f"the volume {volume} stays behind: its service is not in v{manifest.release} any more")
