"""A new deployment that begins with a copy of another one's data: all of it, or nothing of it stays."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from calzion.controller.forecast import begins_with, unsanitized
from calzion.controller.live import find_live, no_release
from calzion.controller.operations import find_deployment
from calzion.controller.parts import Parts
from calzion.controller.pipe import Pipe
from calzion.controller.preparation import look_at
from calzion.controller.store import deployments, instances, releases, tasks
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import Release, ReleaseState
from calzion.controller.surroundings import Surroundings
from calzion.controller.transfer import Outlet, Side, Transfer, transfers
from calzion.errors import CalzionError
from calzion.model import Cancellation, Exit, Task
from calzion.progress import Story
from calzion.redaction import Mask

_LIVED = (ReleaseState.CURRENT, ReleaseState.SUPERSEDED)


def find_origin(parts: Parts, deployment: Deployment, name: str) -> Deployment:
    """The deployment whose data a new one is to begin with; `deployment` may be a provisional one.

    Raises CalzionError (not_found; refused where the new one is not new, or the two have different repositories).
    """
    try:
        return _find_origin(parts, deployment, name)
    except CalzionError as error:
        with parts.database.read() as connection:
            if releases.origin_to_repeat(connection, deployment.id) == name:
                error.hint = was_meant(deployment.name, name)
        raise


def was_meant(name: str, origin: str) -> str:
    """What to say of a copy for which an earlier try had asked."""
    return (
        f"{name} was to begin with the data of {origin} and has not gone live since;"
        f" after 'calzion destroy {name}' it begins without"
    )


def _find_origin(parts: Parts, deployment: Deployment, name: str) -> Deployment:
    # Half a copy is removed before the next release begins.
    if not deployment.copying and has_lived(parts, deployment):
        raise CalzionError(
            f"only a new deployment can begin with the data of {name}, and {deployment.name} has its own",
            hint="deploy to another name, or destroy this one first; without 'from' it keeps what it has",
            code="refused",
        )
    origin = find_deployment(parts, name)
    if deployment.repository and origin.repository != deployment.repository:
        raise CalzionError(
            f"{name} does not belong to the repository {deployment.repository}: its data can't be copied",
            hint="name a deployment that was pushed from the same repository",
            code="refused",
        )
    return origin


def foresee_copy(parts: Parts, deployment: Deployment, name: str, target: Surroundings) -> dict[str, int]:
    """What a rollout would copy to `target`, with the bytes that it takes in the deployment `name`. Writes nothing.

    Raises CalzionError (refused, not_found) where a rollout would.
    """
    origin = find_origin(parts, deployment, name)
    with parts.database.read() as connection:
        current = releases.current(connection, origin.id)
        if current is None:
            raise no_release(origin.name)
        there = look_at(parts, connection, origin, current)
    sizes = parts.backend.volumes(origin.name)
    found = transfers(
        Side(surroundings=there, release=current.number, new_id=parts.new_id),
        Side(surroundings=target, release=0, new_id=parts.new_id),
        sizes,
    )
    return {
        outlet.what: sum(size for volume, size in sizes.items() if outlet.holds(volume))
        for outlet in (each.outlet for each in found)
    }


def undo_copy(parts: Parts, deployment: Deployment) -> None:
    """Remove all that was copied or imported for a release that did not go live, and whatever runs on it."""
    ids = [each.id for each in parts.backend.instances() if each.deployment == deployment.name]
    parts.backend.stop(ids)
    parts.backend.forget(ids)
    parts.backend.remove_deployment(deployment.name)
    with parts.database.write() as connection:
        records = instances.of_deployment(connection, deployment.id)
        instances.remove(connection, [record.id for record in records])
        tasks.forget_all(connection, deployment.id)
        deployments.forget_beginnings(connection, deployment.id)
        deployments.set_copying(connection, deployment.id, False)


@dataclass(frozen=True, kw_only=True)
class Copy:
    """The copy that one release begins with (a Beginning); of a release without one all steps do nothing."""

    parts: Parts
    deployment: Deployment
    origin: Deployment | None
    transfers: Sequence[Transfer]
    story: Story
    cancellation: Cancellation
    mask: Mask = field(default_factory=lambda: Mask({}))
    again: bool = False

    @classmethod
    def prepare(
        cls,
        parts: Parts,
        deployment: Deployment,
        release: Release,
        surroundings: Surroundings,
        story: Story,
        cancellation: Cancellation,
    ) -> Copy:
        """Decide what will be copied, and change nothing. Raises CalzionError (refused, not_found)."""
        origin, found, mask, again = None, [], Mask({}), False
        if release.data_from:
            with parts.database.read() as connection:
                again = releases.origin_to_repeat(connection, deployment.id) == release.data_from
            origin = find_origin(parts, deployment, release.data_from)
            live = find_live(parts, origin)
            mask = live.surroundings.mask
            found = transfers(
                Side(surroundings=live.surroundings, release=live.release.number, new_id=parts.new_id),
                Side(surroundings=surroundings, release=release.number, new_id=parts.new_id),
                parts.backend.volumes(origin.name),
            )
        return cls(
            parts=parts,
            deployment=deployment,
            origin=origin,
            transfers=found,
            story=story,
            cancellation=cancellation,
            mask=mask,
            again=again,
        )

    def announce(self, wanted: Iterable[Task]) -> None:
        """Say what will be copied, and warn where nothing makes it safe to use."""
        if self.origin is None:
            return
        self.story.log(begins_with(self.origin.name, [each.outlet.what for each in self.transfers]))
        if self.again:
            self.story.log(was_meant(self.deployment.name, self.origin.name))
        if self.transfers and not any(task.sanitize for task in wanted):
            self.story.warning(unsanitized(self.origin.name))

    def fill(self) -> None:
        """Copy what must lie in the volumes before a server starts on them. Raises CalzionError (release)."""
        if self.origin is None:
            return
        with self.parts.database.write() as connection:
            deployments.set_copying(connection, self.deployment.id, True)
        self._carry_out([each for each in self.transfers if not each.inlet.to_server])

    def restore(self) -> None:
        """Give the servers that run by now what they take over their connections. Raises CalzionError (release)."""
        self._carry_out([each for each in self.transfers if each.inlet.to_server])

    def keep(self, connection: Connection) -> None:
        deployments.set_copying(connection, self.deployment.id, False)

    def settle(self) -> None:
        pass

    def undo(self) -> None:
        if self.origin is not None:
            undo_copy(self.parts, self.deployment)

    def _carry_out(self, wanted: Sequence[Transfer]) -> None:
        for each in wanted:
            self._transfer(each)

    def _transfer(self, transfer: Transfer) -> None:
        assert self.origin is not None
        source, target, torn = transfer.outlet.spec, transfer.inlet.spec, transfer.outlet.torn
        self.story.step(f"Copying {transfer.outlet.what} of {self.origin.name}")
        began = time.monotonic()
        pipe = Pipe(self.parts, source, target, self._tell_progress)
        fine = {0} if torn is None else {0, torn}
        pipe.run(self.cancellation, fine)
        self._check(transfer.outlet, pipe, fine)
        self.story.log(f"{pipe.passed / 1e6:.1f} MB in {time.monotonic() - began:.1f} s")
        if pipe.exits[0].status == torn:
            self._tell_torn(transfer.outlet, pipe)

    def _check(self, outlet: Outlet, pipe: Pipe, fine: Collection[int | None]) -> None:
        written, read = pipe.exits
        if written.status not in fine and not pipe.refused:
            raise self._failed(outlet, f"{outlet.what} could not be read", written, pipe.errors[0].lines)
        if read.status != 0:
            raise self._failed(outlet, f"{outlet.what} could not be written", read, pipe.errors[1].lines)

    def _failed(self, outlet: Outlet, what: str, ended: Exit, lines: list[str]) -> CalzionError:
        error = CalzionError(
            f"the data of {outlet.spec.deployment} was not copied: {what} ({ended})",
            hint="everything that was copied is removed again",
            code="release",
            detail=lines,
        )
        self.mask.error(error)
        return error

    def _tell_progress(self, passed: int) -> None:
        self.story.log(f"{passed / 1e6:.0f} MB so far")

    def _tell_torn(self, outlet: Outlet, pipe: Pipe) -> None:
        self.story.warning(
            f"{outlet.service} wrote to {outlet.what} while it was copied: look at what was changed"
        )
        for line in pipe.errors[0].lines:
            self.story.log(self.mask.text(line))


def has_lived(parts: Parts, deployment: Deployment) -> bool:
    """Whether a release of it ever went live, or data of it is there."""
    with parts.database.read() as connection:
        lived = any(each.state in _LIVED for each in releases.of_deployment(connection, deployment.id))
    return lived or bool(parts.backend.volume_names(deployment.name))
