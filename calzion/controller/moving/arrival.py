"""The data of an export on its way into a new deployment."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from calzion.controller.copying import undo_copy
from calzion.controller.moving.manifest import Stream
from calzion.controller.moving.reading import Package
from calzion.controller.parts import Parts
from calzion.controller.store import deployments, secrets
from calzion.controller.store.deployments import Deployment
from calzion.controller.surroundings import Surroundings
from calzion.controller.tap import pour_in
from calzion.controller.transfer import Inlet, Side, inlets
from calzion.errors import CalzionError
from calzion.model import Cancellation, Task
from calzion.progress import Story

_log = logging.getLogger(__name__)

_CHUNK = 1 << 18


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """See calzion.controller.beginning.Beginning.

    `versions` are those of its secrets, which become the newest; `accept` keeps its commits, and says what of it.
    """

    parts: Parts
    deployment: Deployment
    package: Package
    wanted: Sequence[tuple[Stream, Inlet]]
    versions: Mapping[str, int]
    accept: Callable[[], str]
    sanitize: bool
    story: Story
    cancellation: Cancellation

    @classmethod
    def prepare(
        cls,
        parts: Parts,
        deployment: Deployment,
        release: int,
        package: Package,
        versions: Mapping[str, int],
        accept: Callable[[], str],
        sanitize: bool,
        surroundings: Surroundings,
        story: Story,
        cancellation: Cancellation,
    ) -> Arrival:
        """Decide where the data goes. Raises CalzionError (unsupported) where some of it can go nowhere."""
        side = Side(surroundings=surroundings, release=release, new_id=parts.new_id)
        return cls(
            parts=parts,
            deployment=deployment,
            package=package,
            wanted=_matched(package.manifest.streams, inlets(side)),
            versions=versions,
            accept=accept,
            sanitize=sanitize,
            story=story,
            cancellation=cancellation,
        )

    def announce(self, wanted: Iterable[Task]) -> None:
        manifest = self.package.manifest
        names = ", ".join(stream.what for stream, _ in self.wanted) or "none"
        self.story.log(
            f"{manifest.deployment} v{manifest.release}, exported {manifest.made} by {manifest.by}"
        )
        self.story.log(f"data: {names}")
        if self.sanitize and not any(task.sanitize for task in wanted):
            self.story.warning("nothing sanitizes the data: no task of 'Run' has 'sanitize: true'")

    def fill(self) -> None:
        self._carry_out(to_server=False)

    def restore(self) -> None:
        self._carry_out(to_server=True)

    def keep(self, connection: Connection) -> None:
        deployments.set_copying(connection, self.deployment.id, False)
        secrets.make_newest(connection, self.deployment, self.versions)

    def settle(self) -> None:
        try:
            self.story.log(self.accept())
        except (CalzionError, OSError) as error:
            _log.error("the commits of %s can't be kept now: %s", self.deployment.name, error)
            self.story.warning(f"its branch is not set yet ({error}): the next start of Calzion tries again")

    def undo(self) -> None:
        undo_copy(self.parts, self.deployment)

    def _carry_out(self, *, to_server: bool) -> None:
        for stream, inlet in self.wanted:
            if inlet.to_server is to_server:
                self._give(stream, inlet)

    def _give(self, stream: Stream, inlet: Inlet) -> None:
        path, began = self.package.path(stream), time.monotonic()
        self.story.step(f"Restoring {stream.what}")
        ended = pour_in(self.parts, inlet.spec, _chunks(path), self.cancellation)
        if ended.exit.status != 0:
            raise CalzionError(
                f"the data of {stream.what} could not be written ({ended.exit})",
                hint="everything that was imported is removed again",
                code="release",
                detail=ended.lines,
            )
        self.story.log(f"{path.stat().st_size / 1e6:.1f} MB in {time.monotonic() - began:.1f} s")


def _matched(streams: Iterable[Stream], found: Iterable[Inlet]) -> list[tuple[Stream, Inlet]]:
    ways = {(each.kind.value, str(each.service), each.volume): each for each in found}
    data = [stream for stream in streams if stream.service]
    for stream in data:
        if (stream.kind.value, stream.service, stream.volume) not in ways:
            raise CalzionError(
                f"the data of {stream.what} fits nothing here: no service {stream.service} takes"
                f" data of the kind {stream.kind}",
                hint="'calzion doctor' says what this machine can run",
                code="unsupported",
            )
    return [(stream, ways[(stream.kind.value, stream.service, stream.volume)]) for stream in data]


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            yield data
