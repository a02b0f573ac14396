"""The end of deployments that were given a time to live."""

from __future__ import annotations

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from calzion.controller.locks import CancellationToken
from calzion.controller.operations import find_deployment, finish_destroying
from calzion.controller.parts import Parts
from calzion.controller.store import audit, deployments
from calzion.controller.store.deployments import Deployment
from calzion.controller.traffic import Traffic
from calzion.errors import CalzionError
from calzion.lifetime import span

_log = logging.getLogger(__name__)


def set_ttl(parts: Parts, name: str, ttl: int) -> Deployment:
    """Give a deployment another time to live, from now on. Raises CalzionError (not_found, conflict)."""
    found = find_deployment(parts, name)
    with parts.database.write() as connection:
        now = deployments.find(connection, found.name)
        if now is None or now.destroying:
            raise CalzionError(f"{name} is being destroyed", code="conflict")
        deployments.set_ttl(connection, now.id, ttl, parts.now())
        audit.record(connection, "ttl set", now=parts.now(), on=name, seconds=ttl)
        changed = deployments.by_id(connection, now.id)
    parts.observed.touch()  # the reconciler waits for the earliest end
    return changed


class Expiry:
    """Destroys what has outlived its time, each deployment under its lock and beside everything else."""

    def __init__(self, parts: Parts, traffic: Traffic) -> None:
        self._parts = parts
        self._traffic = traffic
        self._stopping = CancellationToken()
        self._lock = threading.Lock()
        self._ending: set[str] = set()

    def end_due(self) -> None:
        """Begin to destroy those whose time is over; one that is being deployed is looked at again afterwards."""
        for deployment in self._expiring():
            if self._is_due(deployment) and self._claim(deployment.name):
                threading.Thread(target=self._end, args=(deployment,), name="expiry", daemon=True).start()

    def next_in(self, most: float) -> float:
        """Seconds until the next end, at most `most`."""
        now = self._parts.now()
        ends = [each.expires - now for each in self._expiring() if each.expires is not None]
        return min([most, *(end for end in ends if end > 0)])

    def stop(self) -> None:
        self._stopping.cancel()

    def _expiring(self) -> list[Deployment]:
        with self._parts.database.read() as connection:
            known = deployments.all_deployments(connection)
        return [each for each in known if each.expires is not None and not each.destroying]

    def _is_due(self, deployment: Deployment) -> bool:
        return deployment.expires is not None and deployment.expires <= self._parts.now()

    def _claim(self, name: str) -> bool:
        with self._lock:
            mine = name not in self._ending
            self._ending.add(name)
            return mine

    def _end(self, deployment: Deployment) -> None:
        name = deployment.name
        try:
            with self._parts.locks.hold(name, "its end", self._stopping, lambda _: None):
                self._destroy(deployment)
        except (CalzionError, OSError, SQLAlchemyError) as error:
            if not self._stopping.cancelled():
                _log.warning("%s has outlived its time and can't be destroyed yet: %s", name, error)
        finally:
            with self._lock:
                self._ending.discard(name)

    def _destroy(self, deployment: Deployment) -> None:
        with self._parts.database.write() as connection:
            found = deployments.find(connection, deployment.name)
            # Whoever held the lock may have renewed its time, or put another one in its place.
            if found is None or found.id != deployment.id or not self._is_due(found):
                return
            deployments.mark_destroying(connection, found.id)
            audit.record(connection, "destroy", now=self._parts.now(), on=found.name, why="its time is over")
        _log.info("%s has lived for the %s that it was given: destroying it", found.name, span(found.ttl))
        finish_destroying(self._parts, self._traffic, found)
        _log.info("%s is destroyed", found.name)
