"""What applying a file changes, decided from values alone. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from calzion.infrastructure.declaration import Declaration, Domain, Unit, limits_text
from calzion.model import DeploymentName, Limits

DOMAINS, PORTS, SCALE, LIMITS = "Domains", "Ports", "Scale", "Limits"

_UNNAMED = ("web", "server")
"""The process types that a service alone means: an app's, and that of an image."""

Formation = Mapping[tuple[str, str], int]
"""(service, process type) -> instances; what is not in it runs once."""


class Change(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that changes: `before` and `after` are for people to read, '' where there is nothing."""

    section: str
    name: str
    change: Change
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        what = " -> ".join(filter(None, (self.before, self.after)))
        return f"{self.section} {self.name} {self.change}: {what}"

    def to_data(self) -> dict[str, Any]:
        return {
            "section": self.section,
            "name": self.name,
            "change": str(self.change),
            "before": self.before,
            "after": self.after,
        }


@dataclass(frozen=True, kw_only=True)
class Present:
    """What there is. `lagging` names the services some of whose instances run within other limits than wanted."""

    domains: Mapping[str, Domain] = field(default_factory=dict)
    formations: Mapping[DeploymentName, Formation] = field(default_factory=dict)
    lagging: Mapping[DeploymentName, Collection[str]] = field(default_factory=dict)


def plan(wanted: Declaration, before: Declaration, present: Present) -> tuple[Entry, ...]:
    """`before` is the file that was applied last: what it named and `wanted` does not is removed. What neither names
    is left as it is."""
    return (
        *_domains(wanted, before, present),
        *_ports(wanted, before),
        *_scale(wanted, before, present),
        *_limits(wanted, before, present),
    )


def removals(entries: Collection[Entry]) -> list[str]:
    """What has to be confirmed."""
    return [f"{entry.section} {entry.name}" for entry in entries if entry.change is Change.REMOVED]


def plan_data(entries: Collection[Entry]) -> dict[str, Any]:
    """The plan as JSON data: `lines` for people, `entries` for programs."""
    return {
        "changes": bool(entries),
        "lines": [str(entry) for entry in entries],
        "entries": [entry.to_data() for entry in entries],
        "removes": removals(entries),
    }


def count_of(formation: Formation, unit: Unit) -> int:
    """How many instances of it were asked for."""
    types = (unit.process_type,) if unit.process_type else _UNNAMED
    found = [formation[unit.service, each] for each in types if (unit.service, each) in formation]
    return found[0] if found else 1


def formation_of(declared: Mapping[Unit, int]) -> dict[tuple[str, str], int]:
    """What is declared, under every name that the process may turn out to have."""
    return {
        (str(unit.service), each): count
        for unit, count in declared.items()
        for each in ((unit.process_type,) if unit.process_type else _UNNAMED)
    }


def _domains(wanted: Declaration, before: Declaration, present: Present) -> Iterator[Entry]:
    for host in sorted(wanted.domains.keys() | before.domains.keys()):
        old, new = present.domains.get(host), wanted.domains.get(host)
        if old != new:
            entry = _entry(DOMAINS, host, str(old) if old else None, str(new) if new else None)
            same = entry.before == entry.after
            yield replace(entry, after="other passwords") if same else entry


def _ports(wanted: Declaration, before: Declaration) -> Iterator[Entry]:
    for port in sorted(wanted.ports.keys() | before.ports.keys()):
        old, new = before.ports.get(port), wanted.ports.get(port)
        if old != new:
            yield _entry(PORTS, f":{port}", str(old) if old else None, str(new) if new else None)


def _scale(wanted: Declaration, before: Declaration, present: Present) -> Iterator[Entry]:
    for name in sorted(wanted.scale.keys() | before.scale.keys()):
        new, old = wanted.scale.get(name, {}), before.scale.get(name, {})
        formation = present.formations.get(name)
        for unit in sorted(new.keys() | old.keys()):
            counted = None if formation is None else count_of(formation, unit)
            entry = _count_entry(f"{name}:{unit}", old.get(unit), new.get(unit), counted)
            if entry:
                yield entry


def _count_entry(name: str, old: int | None, new: int | None, counted: int | None) -> Entry | None:
    """`counted` is None where the deployment is not there yet: then what was declared is all there is."""
    if new is None:
        was = old if counted is None else counted
        return Entry(section=SCALE, name=name, change=Change.REMOVED, before=str(was), after="1")
    is_now = old if counted is None else counted
    if is_now == new and old is not None:
        return None
    if old is None:
        return Entry(section=SCALE, name=name, change=Change.ADDED, before=str(is_now or 1), after=str(new))
    return Entry(section=SCALE, name=name, change=Change.CHANGED, before=str(is_now), after=str(new))


def _limits(wanted: Declaration, before: Declaration, present: Present) -> Iterator[Entry]:
    for name in sorted({*wanted.limits, *before.limits, *present.lagging}):
        new, old = wanted.limits.get(name, {}), before.limits.get(name, {})
        told = set()
        for unit in sorted(new.keys() | old.keys()):
            if new.get(unit) != old.get(unit):
                told.add(unit.service)
                yield _entry(LIMITS, f"{name}:{unit}", _text(old.get(unit)), _text(new.get(unit)))
        for service in sorted({*present.lagging.get(name, ())} - told):
            yield Entry(
                section=LIMITS,
                name=f"{name}:{service}",
                change=Change.CHANGED,
                before="instances that were started within others",
                after="new instances",
            )


def _text(limits: Limits | None) -> str | None:
    return None if limits is None else limits_text(limits)


def _entry(section: str, name: str, old: str | None, new: str | None) -> Entry:
    change = Change.ADDED if old is None else Change.REMOVED if new is None else Change.CHANGED
    return Entry(section=section, name=name, change=change, before=old or "", after=new or "")
