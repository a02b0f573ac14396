"""Keeps a set of instances in a registry, through everything that can happen to the registry."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from calzion.discovery.registration import Key, Registration, Selection
from calzion.discovery.registry import Registry
from calzion.errors import CalzionError

_log = logging.getLogger(__name__)

TTL = 10
"""Seconds after which a registry forgets what a publisher that is gone had registered."""

PATIENCE = 1.0
"""Seconds between two attempts while the registry is away."""


class Publisher:
    """`want` may be called from any thread; the registry is used by `run` alone, or else by `step`.

    A request without an answer may be carried out later, even after one that was sent later. So after any failure a
    new lease is used: what such a request does ends with the old one. What is missing is found by looking, at every
    renewal.
    """

    def __init__(
        self, registry: Registry, ttl: int = TTL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._registry = registry
        self._ttl = ttl
        self._clock = clock
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._wanted: Mapping[Key, Registration] = {}
        self._there: dict[Key, Registration | None] = {}
        self._lease = ""
        self._renewed = float("-inf")
        self.trouble = ""
        """Why the registry is not what it should be, '' where it is."""

    def want(self, registrations: Iterable[Registration]) -> None:
        """Bring the registry to these, at once where it answers."""
        self._wanted = {each.key: each for each in registrations}
        self._changed.set()

    def run(self) -> None:
        """Until `stop`. What is registered stays until its lease ends: another publisher may take over in time."""
        while not self._stopping.is_set():
            self._changed.wait(PATIENCE if self.trouble else self._ttl / 3)
            self._changed.clear()
            self.step()
            if self.trouble:
                self._stopping.wait(PATIENCE / 4)

    def stop(self) -> None:
        self._stopping.set()
        self._changed.set()

    def step(self) -> None:
        """One attempt. `trouble` says whether it did not go through."""
        try:
            self._keep_lease()
            self._bring()
        except CalzionError as error:
            self._lease = ""
            self._meet(error)
        else:
            self._overcome()

    def _keep_lease(self) -> None:
        if self._lease and self._clock() - self._renewed < self._ttl / 3:
            return
        began = self._clock()
        if not self._lease or not self._registry.renew(self._lease):
            self._lease = self._registry.grant(self._ttl)
            self._there = dict.fromkeys(self._there)
        self._renewed = began
        self._look()

    def _look(self) -> None:
        """What is not there any more has to be registered again, whoever removed it."""
        found = {each.registration.key: each for each in self._registry.snapshot(Selection()).instances}
        for key, known in self._there.items():
            if known and (key not in found or found[key].registration != known):
                self._there[key] = None

    def _bring(self) -> None:
        """New ones first, so that a service never seems to have fewer instances than it has."""
        wanted, failure = self._wanted, None
        try:
            for key, registration in wanted.items():
                if self._there.get(key) != registration:
                    self._there[key] = None
                    self._registry.register(self._lease, registration)
                    self._there[key] = registration
        except CalzionError as error:
            failure = error
        # A registry that is full still removes.
        for key in [key for key in self._there if key not in wanted]:
            self._registry.withdraw(key)
            del self._there[key]
        if failure:
            raise failure

    def _meet(self, error: CalzionError) -> None:
        said = f"{error.message} ({error.hint})" if error.hint else error.message
        if said != self.trouble:
            _log.warning("%s", said)
        self.trouble = said

    def _overcome(self) -> None:
        if self.trouble:
            _log.info("the registry is what it should be again")
        self.trouble = ""
