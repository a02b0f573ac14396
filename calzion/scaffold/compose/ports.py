"""`ports` and `expose` of a Compose service -> `port` or `ports`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from calzion.scaffold.compose.context import Owner
from calzion.scaffold.compose.reading import scalar
from calzion.scaffold.compose.substitution import substitute
from calzion.template.data import Data

_SHORT = re.compile(r"(?:(?P<published>.*):)?(?P<target>\d{1,5})(?:/(?P<protocol>\w+))?", re.ASCII)
_KNOWN = {
    80: "http",
    443: "https",
    5432: "postgres",
    6379: "redis",
    3306: "mysql",
    5672: "amqp",
    27017: "mongodb",
}
_STANDARD = {"postgres": 5432, "redis": 6379}
"""Appliances, whose port needs no word."""


@dataclass(frozen=True, kw_only=True)
class _Port:
    target: int
    published: str
    protocol: str


def port_numbers(service: dict[str, Data], owner: Owner) -> list[int]:
    """The ports on which the container listens, as far as traffic can come to them."""
    numbers: list[int] = []
    for key in ("ports", "expose"):
        items = service.get(key)
        for item in items if isinstance(items, list) else ():
            port = _read(item, owner)
            if port is None:
                owner.leave(f"the port {scalar(item) or 'that is written as a map'}: it is no single number")
                continue
            if port.protocol != "tcp":
                owner.leave(f"the port {port.target}/{port.protocol}: traffic is TCP")
                continue
            _say_published(port, owner)
            if port.target not in numbers:
                numbers.append(port.target)
    return numbers


def port_keys(numbers: list[int], image: str) -> dict[str, Any]:
    """The keys for these ports; none for the usual port of an appliance."""
    if [_STANDARD.get(image)] == numbers:
        return {}
    if len(numbers) == 1:
        return {"port": numbers[0]}
    return {"ports": {_KNOWN.get(number, f"port-{number}"): number for number in numbers}}


def _read(item: Data, owner: Owner) -> _Port | None:
    if isinstance(item, dict):
        published, target, protocol = (
            _text(item.get(key), owner) for key in ("published", "target", "protocol")
        )
        short = f"{published}:{target}/{protocol}"
        written = short.removesuffix("/").removeprefix(":")
    else:
        written = _text(item, owner)
    match = _SHORT.fullmatch(written)
    if match is None or not 0 < int(match["target"]) < 65536:
        return None
    protocol = (match["protocol"] or "tcp").lower()
    return _Port(target=int(match["target"]), published=match["published"] or "", protocol=protocol)


def _text(data: Data, owner: Owner) -> str:
    """The text with `?` for what is not known; the port of the host need not be."""
    return substitute(scalar(data) or "", owner.context.known, lambda _, value: value or "?", str)


def _say_published(port: _Port, owner: Owner) -> None:
    if not port.published:
        return
    if owner.data:
        owner.leave(f"the host port {port.published}: it is reached by the other services alone")
    else:
        owner.leave(f"the host port {port.published}: the router leads host names to it")
