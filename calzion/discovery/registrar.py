"""Keeps registered what should be and is up. Lives beside the router, which outlives the reconciler."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from calzion.discovery.keeper import Keeper
from calzion.discovery.orders import Orders
from calzion.discovery.publisher import Publisher
from calzion.discovery.registration import Registration
from calzion.discovery.routepublisher import RoutePublisher
from calzion.model import Endpoint

_log = logging.getLogger(__name__)

INTERVAL = 0.25
"""Seconds between two looks at what is up."""

GLANCE = 0.05
"""Seconds after which what should be is looked at: who has seen a rollout end expects to find its instances."""


class Registrar:
    """`listening` tells which of some endpoints are up. `told` gets why a registry is not as it should be, '' where all
    are, once whenever that changes."""

    def __init__(
        self,
        orders: Orders,
        publishers: Sequence[Publisher],
        listening: Callable[[Collection[Endpoint]], Collection[Endpoint]],
        told: Callable[[str], None],
        routes: Sequence[RoutePublisher] = (),
    ) -> None:
        self._orders = orders
        self._publishers = publishers
        self._routes = routes
        self._keepers: tuple[Keeper, ...] = (*publishers, *routes)
        self._listening = listening
        self._told = told
        self._stopping = threading.Event()
        self._up: tuple[Registration, ...] | None = None
        self._hosts: tuple[str, ...] | None = None
        self._trouble: str | None = None

    def start(self) -> None:
        runs = [keeper.run for keeper in self._keepers]
        for run in (*runs, self._run):
            threading.Thread(target=run, name="registrar", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()
        for keeper in self._keepers:
            keeper.stop()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except Exception:
                _log.exception("a look at the instances broke")
            self._rest()

    def _rest(self) -> None:
        for _ in range(round(INTERVAL / GLANCE)):
            if self._stopping.wait(GLANCE) or self._orders.newer:
                return

    def look(self) -> None:
        """Have the publishers know what is up now."""
        announced = self._orders.read()
        there = self._listening({each.endpoint for each in announced.instances})
        up = tuple(each for each in announced.instances if each.endpoint in there)
        if up != self._up:
            self._up = up
            for publisher in self._publishers:
                publisher.want(up)
        if announced.hosts is not None and announced.hosts != self._hosts:
            self._hosts = announced.hosts
            for routes in self._routes:
                routes.want(announced.hosts)
        self._tell("; ".join(keeper.trouble for keeper in self._keepers if keeper.trouble))

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._told(trouble)


class TroubleFile:
    """Where other processes read why the registry is not as it should be."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, trouble: str) -> None:
        new = self._file.with_name(f"{self._file.name}.new")
        new.write_text(trouble, encoding="utf-8")
        new.replace(self._file)

    def read(self) -> str:
        try:
            return self._file.read_text(encoding="utf-8")
        except OSError:
            return ""
