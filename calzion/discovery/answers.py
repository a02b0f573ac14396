"""What is told of registered instances, as data. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from calzion.discovery.registration import Registered, leader


def listed(instances: Iterable[Registered]) -> list[dict[str, Any]]:
    """One object for each port of an instance, the earliest first; `leader` is true for one instance of a service."""
    found = list(instances)
    by_service: dict[tuple[str, str], list[Registered]] = defaultdict(list)
    for each in found:
        by_service[each.registration.key[:2]].append(each)
    leaders = {service: leader(mine) for service, mine in by_service.items()}
    return [_object(each, leaders[each.registration.key[:2]]) for each in found]


def _object(each: Registered, first: Registered | None) -> dict[str, Any]:
    registration = each.registration
    return {
        "service": registration.service,
        "instance": registration.instance,
        "port_name": registration.port,
        "host": registration.endpoint.host,
        "port": registration.endpoint.port,
        "created": each.created,
        "leader": first is not None and first.registration.instance == registration.instance,
    }
