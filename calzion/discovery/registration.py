"""What a registry holds: instances that take connections, by deployment, service and port. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from calzion.model import Endpoint

Key = tuple[str, str, str, str]
"""Deployment, service, port, instance."""


@dataclass(frozen=True, kw_only=True, order=True)
class Registration:
    """One port of one instance. `port` is its name, '' for the unnamed one."""

    deployment: str
    service: str
    port: str = ""
    instance: str
    endpoint: Endpoint

    @property
    def key(self) -> Key:
        return (self.deployment, self.service, self.port, self.instance)


@dataclass(frozen=True, kw_only=True)
class Registered:
    """`created` is the registry's own count: who was registered earlier has the lower one, and keeps it."""

    registration: Registration
    created: int


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which registrations; None stands for all."""

    deployment: str | None = None
    service: str | None = None
    port: str | None = None

    def __post_init__(self) -> None:
        if (self.port is not None and self.service is None) or (self.service and self.deployment is None):
            raise ValueError("a selection begins with the deployment")

    def has(self, key: Key) -> bool:
        wanted = (self.deployment, self.service, self.port)
        return all(want is None or want == is_ for want, is_ in zip(wanted, key[:3], strict=True))


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All that a selection held at a revision, the earliest first."""

    selection: Selection
    revision: int
    instances: tuple[Registered, ...]


@dataclass(frozen=True, kw_only=True)
class Change:
    """An instance that is there, new or with another endpoint, or one that is there no more."""

    present: bool
    instance: Registered
    revision: int


def leader(instances: Iterable[Registered]) -> Registered | None:
    """The one that all who look at the same registrations agree on: the earliest."""
    return min(instances, key=by_age, default=None)


def by_age(instance: Registered) -> tuple[int, Key]:
    return (instance.created, instance.registration.key)
