"""What a release will change, decided from values alone: the rollout executes it, and the pusher reads it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from calzion.model import Pairs, ServiceDefinition, ServiceName


class Change(StrEnum):
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    HELD = "held"


@dataclass(frozen=True, kw_only=True)
class ServiceVersion:
    """One service as a release has it. `code` names its slug; `visible` is the environment that gives away no secret.

    Equal fingerprints mean that instances of the one serve as well as instances of the other.
    """

    definition: ServiceDefinition
    fingerprint: str
    code: str = ""
    visible: Pairs = ()
    held: str = ""

    @property
    def name(self) -> ServiceName:
        return self.definition.name


@dataclass(frozen=True, kw_only=True)
class Item:
    """What happens to one service, and why."""

    service: ServiceName
    change: Change
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.change}: {', '.join(self.reasons)}" if self.reasons else str(self.change)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`items` by name; `start` is the order in which new instances may come up, required ones first."""

    items: tuple[Item, ...]
    start: tuple[ServiceName, ...] = ()
    stop: tuple[ServiceName, ...] = ()

    @property
    def held(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.change is Change.HELD)

    @property
    def changes_something(self) -> bool:
        return any(item.change is not Change.UNCHANGED for item in self.items)

    def lines(self) -> list[str]:
        """A line a service, as the pusher sees it."""
        width = max((len(item.service) for item in self.items), default=0)
        return [f"{item.service:<{width}}   {item}" for item in self.items]


def plan(wanted: Iterable[ServiceVersion], current: Iterable[ServiceVersion]) -> Plan:
    """Compare what is wanted with what the current release has."""
    old = {version.name: version for version in current}
    new = {version.name: version for version in wanted}
    held = _held(new)
    items = [_item(version, old.get(version.name), held.get(version.name, "")) for version in new.values()]
    removed = [name for name in old if name not in new]
    items += [Item(service=name, change=Change.REMOVED) for name in removed]
    items.sort(key=lambda item: item.service)
    starting = {item.service for item in items if item.change in (Change.CHANGED, Change.ADDED)}
    stopping = [name for name in old if not old[name].held and (name in removed or name in held)]
    return Plan(
        items=tuple(items),
        start=tuple(name for name in start_order(new.values()) if name in starting),
        stop=tuple(stopping),
    )


def start_order(versions: Iterable[ServiceVersion]) -> list[ServiceName]:
    """Every service after those it requires; otherwise by name. A cycle is entered at its first name."""
    by_name = {version.name: version for version in sorted(versions, key=lambda version: version.name)}
    ordered: list[ServiceName] = []
    visited: set[ServiceName] = set()

    def visit(name: ServiceName) -> None:
        if name in visited or name not in by_name:
            return
        visited.add(name)
        for required in by_name[name].definition.require:
            visit(required)
        ordered.append(name)

    for name in by_name:
        visit(name)
    return ordered


def _held(new: Mapping[ServiceName, ServiceVersion]) -> dict[ServiceName, str]:
    held: dict[ServiceName, str] = {}
    for name in start_order(new.values()):
        version = new[name]
        if version.held:
            held[name] = version.held
            continue
        for required in version.definition.require:
            if required not in new:
                held[name] = f"waits for {required}, which is not defined in this deployment"
            elif required in held:
                held[name] = f"waits for {required}, which is held itself"
    return held


def _item(version: ServiceVersion, old: ServiceVersion | None, held: str) -> Item:
    if held:
        return Item(service=version.name, change=Change.HELD, reasons=(held,))
    if old is None or old.held:
        return Item(service=version.name, change=Change.ADDED)
    if old.fingerprint == version.fingerprint:
        return Item(service=version.name, change=Change.UNCHANGED)
    return Item(service=version.name, change=Change.CHANGED, reasons=_reasons(version, old))


def _reasons(version: ServiceVersion, old: ServiceVersion) -> tuple[str, ...]:
    reasons = ["code"] if version.code != old.code else []
    reasons += [
        field.name
        for field in fields(ServiceDefinition)
        if field.name != "env"
        and getattr(version.definition, field.name) != getattr(old.definition, field.name)
    ]
    names = _changed_names(version.visible, old.visible)
    if names:
        reasons.append(f"env {' '.join(names)}")
    return tuple(reasons) or ("generated values",)


def _changed_names(new: Pairs, old: Pairs) -> list[str]:
    before, after = dict(old), dict(new)
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
