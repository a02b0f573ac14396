"""The loop that brings what runs to what should run, after crashes and reboots too."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict

from calzion.controller.live import live_specs
from calzion.controller.operations import finish_destroying
from calzion.controller.parts import Parts
from calzion.controller.store import deployments, instances, releases
from calzion.controller.store.instances import InstanceRecord, InstanceRole
from calzion.controller.store.releases import UNFINISHED, ReleaseState
from calzion.controller.traffic import Traffic
from calzion.errors import CalzionError

_log = logging.getLogger(__name__)

PASS_INTERVAL = 30.0
"""Seconds between passes that nothing asked for."""

RETRY_INTERVAL = 1.0


class Reconciler:
    """Owns the pass. Rollouts run beside it: it leaves alone what their rows mark as theirs."""

    def __init__(self, parts: Parts, traffic: Traffic) -> None:
        self._parts = parts
        self._traffic = traffic
        self._stopping = threading.Event()

    def recover(self) -> None:
        """Once, before anything else runs: end what a crash left in the middle."""
        with self._parts.database.write() as connection:
            for release in releases.in_state(connection, *UNFINISHED):
                releases.finish(
                    connection,
                    release.id,
                    ReleaseState.FAILED,
                    self._parts.now(),
                    "Calzion stopped in the middle of it",
                )
            parked = instances.all_instances(connection, InstanceRole.PARKED)
            instances.set_state(connection, [record.id for record in parked], InstanceRole.LIVE)
            unborn = instances.all_instances(connection, InstanceRole.STARTING)
            instances.set_state(connection, [record.id for record in unborn], InstanceRole.DRAINING)
            destroyed = [each for each in deployments.all_deployments(connection) if each.destroying]
        for deployment in destroyed:
            finish_destroying(self._parts, self._traffic, deployment)

    def run(self) -> None:
        """Pass after pass until `stop`, the first at once."""
        pause = 0.0
        while not self._stopping.is_set():
            try:
                self.reconcile(first=pause == 0.0)
                pause = PASS_INTERVAL
            except CalzionError as error:
                _log.warning("%s", error)
                pause = RETRY_INTERVAL
            except Exception:
                _log.exception("a pass broke")
                pause = RETRY_INTERVAL
            self._parts.observed.wait(pause)

    def stop(self) -> None:
        self._stopping.set()
        self._parts.observed.touch()

    def reconcile(self, first: bool = False) -> None:
        """One pass. Raises CalzionError (unreachable) where backend or router do not answer."""
        with self._parts.database.read() as connection:
            records = instances.all_instances(connection)
        observed = self._parts.observed.instances()
        known = {record.id for record in records}
        self._end_orphans([id for id in observed if id not in known])
        if first:
            self._finish_draining([record for record in records if record.state is InstanceRole.DRAINING])
        self._keep_running([record for record in records if record.state is InstanceRole.LIVE], first)
        self._traffic.apply()
        if first:
            self._traffic.sweep()

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

    def _finish_draining(self, records: list[InstanceRecord]) -> None:
        ids = [record.id for record in records]
        if ids:
            self._parts.backend.stop(ids)
            self._parts.backend.forget(ids)
            with self._parts.database.write() as connection:
                instances.remove(connection, ids)

    def _keep_running(self, records: list[InstanceRecord], first: bool) -> None:
        wanting: dict[int, set[str]] = defaultdict(set)
        observed = self._parts.observed.instances()
        for record in records:
            # After a restart of either side the backend lacks the specs of what it adopted.
            if first or record.id not in observed or observed[record.id].needs_spec:
                wanting[record.deployment_id].add(record.id)
        for deployment_id, ids in wanting.items():
            try:
                specs = live_specs(self._parts, deployment_id)
                self._parts.backend.ensure([spec for spec in specs if spec.id in ids])
            except CalzionError as error:
                _log.warning("deployment %s can't be kept running: %s", deployment_id, error)
