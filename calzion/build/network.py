"""The network of builds in containers: it leads out, and neither to other builds nor to deployments."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from docker.errors import APIError

from calzion.backends.docker.engine import Engine, reachable
from calzion.errors import CalzionError

_ISOLATED = {"com.docker.network.bridge.enable_icc": "false"}


class BuildNetwork:
    """There while builds run: an engine has addresses for some thirty networks, which all its users share."""

    def __init__(self, engine: Engine, kind: str) -> None:
        self._engine = engine
        self._kind = kind
        self._lock = threading.Lock()
        self._users = 0

    @contextlib.contextmanager
    def joined(self) -> Iterator[str]:
        """Its id. Raises docker.errors.APIError."""
        with self._lock:
            network = self._ensure()
            self._users += 1
        try:
            yield network
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self.remove()

    def remove(self) -> None:
        """What still uses it keeps it."""
        with contextlib.suppress(CalzionError), reachable():
            for network in self._engine.api.networks(filters=self._engine.filters(kind=self._kind)):
                with contextlib.suppress(APIError):
                    self._engine.api.remove_network(network["Id"])

    def _ensure(self) -> str:
        found = self._engine.api.networks(filters=self._engine.filters(kind=self._kind))
        if found:
            return str(found[0]["Id"])
        made = self._engine.api.create_network(
            f"calzion-builds-{self._engine.installation}",
            driver="bridge",
            options=_ISOLATED,
            labels=self._engine.labels(kind=self._kind),
        )
        return str(made["Id"])
