"""Which routers lead to which host names, as routers elsewhere are told it. Pure."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from calzion.model import Endpoint

Routes = Mapping[str, tuple[Endpoint, ...]]
"""Host name -> the routers of the machines that serve it."""

FORGET = 60.0
"""Seconds after which a route that is gone is believed to be."""

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?")


@dataclass(frozen=True)
class RouteSnapshot:
    revision: int
    routes: Routes


class RouteSource(Protocol):
    """Both methods raise CalzionError (unreachable, failed)."""

    def snapshot(self) -> RouteSnapshot: ...

    def wait(self, revision: int) -> None:
        """Until something changes after `revision`, or for some seconds."""


class RouteStore(RouteSource, Protocol):
    """Both methods raise CalzionError (unreachable, failed)."""

    def put(self, host: str, routers: tuple[Endpoint, ...]) -> None: ...

    def remove(self, host: str) -> None: ...


def value_of(routers: tuple[Endpoint, ...]) -> str:
    return json.dumps({"routers": [str(each) for each in routers]})


def read_route(host: str, value: str) -> tuple[Endpoint, ...]:
    """The routers; none where the host is no host name or the value not what `value_of` wrote."""
    if not _HOST.fullmatch(host):
        return ()
    try:
        return tuple(_endpoint(each) for each in json.loads(value)["routers"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


class Caution:
    """What a router elsewhere believes of what it is told.

    New routes at once; that some have gone only when they stay away; that all have, never: it is rather the registry
    that has lost them. A host that is served no more and still routed is answered by the router that it leads to.
    """

    def __init__(self, known: Routes) -> None:
        self._known = dict(known)
        self._missed: dict[str, float] = {}

    def believe(self, told: Routes, now: float) -> Routes:
        missed = self._known.keys() - told.keys() if told else set()
        self._missed = {host: self._missed.get(host, now) for host in missed}
        gone = {host for host, since in self._missed.items() if now - since >= FORGET}
        self._known = {host: routers for host, routers in self._known.items() if host not in gone} | dict(
            told
        )
        return dict(self._known)


def _endpoint(text: str) -> Endpoint:
    host, _, port = text.rpartition(":")
    address, number = ipaddress.ip_address(host.strip("[]")), int(port)
    if not 0 < number < 65536:
        raise ValueError(f"{number} is no port")
    return Endpoint(str(address), number)
