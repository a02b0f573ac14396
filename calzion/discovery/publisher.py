"""Keeps a set of instances in a registry."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from calzion.discovery.keeper import Keeper
from calzion.discovery.registration import Key, Registration, Selection
from calzion.discovery.registry import Registry
from calzion.errors import CalzionError

TTL = 10
"""Seconds after which a registry forgets what a publisher that is gone had registered."""


class Publisher(Keeper):
    """What is registered stays until its lease ends, also after `stop`: another publisher may take over in time.

    A request without an answer may be carried out later, even after one that was sent later. So after any failure a
    new lease is used: what such a request does ends with the old one. What is missing is found by looking, at every
    renewal.
    """

    def __init__(
        self, registry: Registry, ttl: int = TTL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(interval=ttl / 3)
        self._registry = registry
        self._ttl = ttl
        self._clock = clock
        self._wanted: Mapping[Key, Registration] = {}
        self._there: dict[Key, Registration | None] = {}
        self._lease = ""
        self._renewed = float("-inf")

    def want(self, registrations: Iterable[Registration]) -> None:
        """Bring the registry to these, at once where it answers."""
        self._wanted = {each.key: each for each in registrations}
        self._changed.set()

    def bring(self) -> None:
        if not self._wanted and not self._there:
            return  # nothing needs a lease
        try:
            self._keep_lease()
            self._register()
        except CalzionError:
            self._lease = ""
            raise

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

    def _register(self) -> None:
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
