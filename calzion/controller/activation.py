"""Activating a release: its rollout from its first row to its last word, and the end of what it replaced."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from sqlalchemy.exc import SQLAlchemyError

from calzion.controller.claim import Listener
from calzion.controller.copying import undo_copy
from calzion.controller.locks import CancellationToken
from calzion.controller.parts import Parts
from calzion.controller.preparation import load_mask
from calzion.controller.retention import prune
from calzion.controller.rollout import USUAL, Manner, Rollout
from calzion.controller.store import deployments, releases, secrets
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.instances import InstanceRecord
from calzion.controller.store.releases import Release, ReleaseService, ReleaseState
from calzion.controller.stories import StoryWriter
from calzion.controller.traffic import Traffic
from calzion.errors import CalzionError, full_disk
from calzion.model import Cancellation, DeploymentName, ServiceName, SourceTree
from calzion.progress import Story
from calzion.redaction import Mask

_log = logging.getLogger(__name__)


class Activation:
    """Rolls open releases out, and knows which are under way. The caller holds the deployment's turn."""

    def __init__(self, parts: Parts, traffic: Traffic) -> None:
        self._parts = parts
        self._traffic = traffic
        self._stopping = CancellationToken()
        self._idle = threading.Condition()
        self._rolling = 0

    def wait_for_rollouts(self, timeout: float) -> None:
        """Cancel what has not switched yet, and wait until no rollout is under way."""
        self._stopping.cancel()
        with self._idle:
            self._idle.wait_for(lambda: self._rolling == 0, timeout)

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
        if manner.begin is None:
            self._undo_half_copy(deployment)
        release, services, mask = self._begin(deployment, release_id, manner)
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

    def _undo_half_copy(self, deployment: Deployment) -> None:
        with self._parts.database.read() as connection:
            left_half = deployments.by_id(connection, deployment.id).copying
        if left_half:
            undo_copy(self._parts, deployment)

    def _begin(
        self, deployment: Deployment, release_id: int, manner: Manner
    ) -> tuple[Release, tuple[ReleaseService, ...], Mask]:
        with self._parts.database.write() as connection:
            now = self._parts.now()
            releases.start(connection, release_id, ReleaseState.ROLLING, now)
            newest = secrets.newest(connection, deployment.id)
            releases.set_secrets(connection, release_id, newest if manner.secrets is None else manner.secrets)
            release = releases.by_id(connection, release_id)
            if release.ttl is not None and releases.current(connection, deployment.id) is None:
                # What fails at its first release goes too when its time is over.
                deployments.set_ttl(connection, deployment.id, release.ttl, now)
            mask = load_mask(self._parts, connection, deployment)
            return release, releases.services(connection, release_id), mask

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
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise full_disk() from error
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
        try:
            with ending:
                self._traffic.drain(old)
        except (CalzionError, OSError, SQLAlchemyError) as error:
            # The rows say `draining`: the reconciler's next pass ends them.
            _log.warning("draining is put off: %s", error)
            self._parts.observed.touch()

    def add_serving(self, name: DeploymentName, error: CalzionError) -> None:
        """Have a failure's hint say what serves on."""
        with self._parts.database.read() as connection:
            deployment = deployments.find(connection, name)
            current = releases.current(connection, deployment.id) if deployment else None
        if current:
            error.hint = "\n".join(part for part in (error.hint, f"v{current.number} keeps serving") if part)
