"""The loop that brings what runs to what should run, after crashes and reboots too."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial

from sqlalchemy import Connection

from calzion.controller.copying import undo_copy
from calzion.controller.expiry import Expiry
from calzion.controller.live import live_specs
from calzion.controller.operations import finish_destroying
from calzion.controller.parts import Parts
from calzion.controller.retention import prune
from calzion.controller.store import deployments, instances, releases
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.instances import InstanceRecord, InstanceRole
from calzion.controller.store.releases import UNFINISHED, Release, ReleaseState
from calzion.controller.traffic import Traffic
from calzion.controller.troubles import ENGINE
from calzion.controller.volumes import remove_stray, stray
from calzion.errors import CalzionError
from calzion.model import Endpoint, Instance, InstanceState

_log = logging.getLogger(__name__)

PASS_INTERVAL = 30.0
"""Seconds between passes that nothing asked for."""

RETRY_INTERVAL = 1.0

GATHERING = 0.2
"""Seconds in which changes that come together are gathered for one pass. A rollout makes several, and cares for its
own: no pass should take its time from it."""

_OVER = (InstanceRole.STARTING, InstanceRole.DRAINING)
"""Roles of instances that no rollout under way answers for any more, once its lock is free."""


class Reconciler:
    """Owns the pass. Rollouts run beside it: it leaves alone what their rows mark as theirs."""

    def __init__(self, parts: Parts, traffic: Traffic) -> None:
        self._parts = parts
        self._traffic = traffic
        self._stopping = threading.Event()
        self._expiry = Expiry(parts, traffic)
        self._put_off = False
        self._passes_in_vain = 0

    def recover(self) -> None:
        """Once, before anything else runs: say what a crash left in the middle, and end destructions.

        The first pass ends what a rollout started, and every rollout what it finds copied by halves.
        """
        with self._parts.database.write() as connection:
            unfinished = releases.in_state(connection, *UNFINISHED)
            records = instances.all_instances(connection)
            self._abandon(connection, unfinished, records, "Calzion stopped in the middle of it")
            known = deployments.all_deployments(connection)
        for deployment in known:
            if deployment.destroying:
                finish_destroying(self._parts, self._traffic, deployment)

    def run(self) -> None:
        """Pass after pass until `stop`, the first at once."""
        pause, first = RETRY_INTERVAL, True
        while not self._stopping.is_set():
            # What changes during a pass is for the next one, unless that would try at once what has just failed.
            since: int | None = self._parts.observed.version
            try:
                self.reconcile(first)
                first = False
                self._parts.troubles.overcome(ENGINE)
                pause = self._expiry.next_in(self._interval())
                since = None if self._put_off else since
            except CalzionError as error:
                if self._parts.troubles.meet(ENGINE, error):
                    _log.warning("%s", error)
                pause, since = RETRY_INTERVAL, None
            except Exception:
                _log.exception("a pass broke")
                pause, since = RETRY_INTERVAL, None
            self._parts.observed.wait(pause, since)
            self._stopping.wait(GATHERING)

    def _interval(self) -> float:
        """Soon where this pass had to leave something, later and later where it is always so."""
        if not self._put_off and not self._parts.unpruned.is_set():
            self._passes_in_vain = 0
            return PASS_INTERVAL
        self._passes_in_vain = min(self._passes_in_vain + 1, 10)
        return min(PASS_INTERVAL, RETRY_INTERVAL * 2.0 ** (self._passes_in_vain - 1))

    def stop(self) -> None:
        self._stopping.set()
        self._expiry.stop()
        self._parts.observed.touch()

    def reconcile(self, first: bool = False) -> None:
        """One pass. Raises CalzionError (unreachable) where backend or router do not answer."""
        self._put_off = False
        with self._parts.database.read() as connection:
            records = instances.all_instances(connection)
        observed = self._parts.observed.instances()
        known = {record.id for record in records}
        self._end_orphans([id for id in observed if id not in known])
        self._tidy_all(records)
        self._remove_stray_volumes(first)
        self._expiry.end_due()
        live = [record for record in records if record.state is InstanceRole.LIVE]
        self._keep_running(live, first)
        if self._parts.backend.containers:
            self._follow_addresses(live)
        self._traffic.apply()
        self._traffic.sweep()
        if self._parts.unpruned.is_set():
            prune(self._parts)
        self._rotate_audit()

    def _rotate_audit(self) -> None:
        try:
            self._parts.rotate_audit()
        except OSError as error:
            _log.warning("old records of the audit trail can't be moved to a file now: %s", error)

    def _end_orphans(self, ids: list[str]) -> None:
        if not ids:
            return
        with self._parts.database.read() as connection:
            # A rollout may have recorded them since the rows were read.
            known = {record.id for record in instances.all_instances(connection)}
        orphans = [id for id in ids if id not in known and id not in self._parts.tasks]
        if orphans:
            self._parts.backend.stop(orphans)
            self._parts.backend.forget(orphans)

    def _tidy_all(self, records: list[InstanceRecord]) -> None:
        """End what a rollout left that is under way no more, because its own end failed or it never came to it."""
        with self._parts.database.read() as connection:
            unfinished = {release.deployment_id for release in releases.in_state(connection, *UNFINISHED)}
            left = unfinished | {each.deployment_id for each in records if self._is_left(each)}
            known = deployments.all_deployments(connection)
            found = [each for each in known if each.id in left or each.copying]
        for deployment in found:
            self._if_free(deployment, self._tidy)

    def _if_free(self, deployment: Deployment, act: Callable[[Deployment], None]) -> None:
        """Do it under the deployment's lock, where nobody has that. What fails is tried again soon."""
        try:
            with self._parts.locks.try_hold(deployment.name, "the reconciler"):
                act(deployment)
        except (CalzionError, OSError) as error:
            if not isinstance(error, CalzionError) or error.code != "cancelled":
                self._put_off = True
                _log.warning("%s can't be tidied up now: %s", deployment.name, error)

    def _is_left(self, record: InstanceRecord) -> bool:
        return record.state is not InstanceRole.LIVE and not self._traffic.is_draining(record)

    def _tidy(self, deployment: Deployment) -> None:
        deployment_id = deployment.id
        with self._parts.database.write() as connection:
            unfinished = releases.in_state(connection, *UNFINISHED)
            records = instances.of_deployment(connection, deployment_id)
            mine = [release for release in unfinished if release.deployment_id == deployment_id]
            if mine:
                self._parts.unpruned.set()
            self._abandon(connection, mine, records, "how it ended could not be recorded")
            now = deployments.find(connection, deployment.name)
        if now and now.id == deployment_id and now.copying:
            undo_copy(self._parts, now)
            return
        over = [record for record in records if record.state in _OVER and self._is_left(record)]
        if over:
            self._traffic.catch_up()
        self._finish_draining(over)
        if now and over:
            remove_stray(self._parts, now)

    def _remove_stray_volumes(self, first: bool) -> None:
        """What the last rollout, which failed or ended with its process, made for services that never went live."""
        if self._put_off:
            return  # instances may still have them
        with self._parts.database.read() as connection:
            failed = releases.failed_last(connection)
            known = deployments.all_deployments(connection)
        for deployment in known:
            if (first or deployment.id in failed) and stray(self._parts, deployment):
                self._if_free(deployment, partial(remove_stray, self._parts))

    def _abandon(
        self,
        connection: Connection,
        unfinished: Iterable[Release],
        records: Iterable[InstanceRecord],
        message: str,
    ) -> None:
        """Such releases have failed, and what they had parked serves again."""
        for release in unfinished:
            releases.finish(connection, release.id, ReleaseState.FAILED, self._parts.now(), message)
        parked = [record.id for record in records if record.state is InstanceRole.PARKED]
        instances.set_state(connection, parked, InstanceRole.LIVE)
        if parked:
            self._parts.observed.touch()  # for the pass that has them run

    def _finish_draining(self, records: list[InstanceRecord]) -> None:
        ids = [record.id for record in records]
        if ids:
            self._parts.backend.stop(ids)
            self._parts.backend.forget(ids)
            with self._parts.database.write() as connection:
                instances.remove(connection, ids)

    def _keep_running(self, records: list[InstanceRecord], first: bool) -> None:
        """Start what does not run, and remember of which deployments some can't be."""
        wanting: dict[int, set[str]] = defaultdict(set)
        observed = self._parts.observed.instances()
        for record in records:
            if first or _is_wanting(observed.get(record.id)):
                wanting[record.deployment_id].add(record.id)
        with self._parts.database.read() as connection:
            names = {each.id: each.name for each in deployments.all_deployments(connection)}
        for deployment_id, name in names.items():
            try:
                self._keep_deployment_running(deployment_id, wanting[deployment_id])
                self._parts.troubles.overcome(name)
            except CalzionError as error:
                self._put_off = True
                if self._parts.troubles.meet(name, error):
                    _log.warning("%s can't be kept running: %s", name, error)
        self._parts.troubles.keep({*names.values()})

    def _keep_deployment_running(self, deployment_id: int, ids: set[str]) -> None:
        if ids:
            specs = live_specs(self._parts, deployment_id)
            self._parts.backend.ensure([spec for spec in specs if spec.id in ids])
            self._parts.observed.touch()

    def _follow_addresses(self, records: list[InstanceRecord]) -> None:
        """A container that was made anew may have got another address."""
        observed = self._parts.observed.instances()
        moved = [
            (record.id, {name: Endpoint(there.address, end.port) for name, end in record.endpoints.items()})
            for record in records
            if (there := observed.get(record.id))
            and there.address
            and any(end.host != there.address for end in record.endpoints.values())
        ]
        if moved:
            with self._parts.database.write() as connection:
                for id_, endpoints in moved:
                    instances.set_endpoints(connection, id_, endpoints)


def _is_wanting(instance: Instance | None) -> bool:
    """Whether what should run does not: it is gone, or stopped, or the backend lacks its order after a restart."""
    return instance is None or instance.needs_spec or instance.state is InstanceState.EXITED
