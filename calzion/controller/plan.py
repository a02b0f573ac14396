"""What a release will change, decided from values alone: the rollout executes it, and the pusher reads it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from calzion.model import Label, Pairs, ServiceDefinition, ServiceName, Task, TaskName

CODE = "code"
"""The reason of a service whose code changes."""


class Change(StrEnum):
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    HELD = "held"


@dataclass(frozen=True, kw_only=True)
class ServiceVersion:
    """One service as a release has it. `code` names its slug, or the image that is to be pulled; `visible` is the
    environment that gives away no secret.

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
class Stage:
    """What may go on at the same time: first its tasks, one after the other, then its services together."""

    tasks: tuple[Task, ...] = ()
    services: tuple[ServiceName, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`items` by name; `start` is the order in which new instances may come up, required ones first, and `stop` that in
    which old ones may go, required ones last.

    `tasks` are those still to be done, in an order that their requirements allow.
    """

    items: tuple[Item, ...]
    start: tuple[ServiceName, ...] = ()
    stop: tuple[ServiceName, ...] = ()
    tasks: tuple[Task, ...] = ()

    @property
    def held(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.change is Change.HELD)

    @property
    def changes_something(self) -> bool:
        return bool(self.tasks) or any(item.change is not Change.UNCHANGED for item in self.items)

    def changes(self) -> list[str]:
        """What is not as before, a short line each."""
        changed = [f"{each.service} {each}" for each in self.items if each.change is not Change.UNCHANGED]
        return changed + [f"{task.name} runs once" for task in self.tasks]

    def lines(self) -> list[str]:
        """A line a service and task, as the pusher sees it."""
        services = [(str(item.service), str(item)) for item in self.items]
        return plan_lines(services, [(str(task.name), str(task.service)) for task in self.tasks])


def plan_lines(services: Sequence[tuple[str, str]], tasks: Sequence[tuple[str, str]]) -> list[str]:
    """Aligned lines of what happens to each service, and of each task with the service that it runs in."""
    rows = [*services, *((name, f"runs once, in {service}") for name, service in tasks)]
    width = max((len(name) for name, _ in rows), default=0)
    return [f"{name:<{width}}   {what}" for name, what in rows]


def plan(
    wanted: Iterable[ServiceVersion],
    current: Iterable[ServiceVersion],
    tasks: Iterable[Task] = (),
    done: Collection[str] = (),
) -> Plan:
    """Compare what is wanted with what the current release has. `done` names the tasks that have ended well."""
    old = {version.name: version for version in current}
    new = {version.name: version for version in wanted}
    known = {task.name: task for task in tasks}
    held = _held(new, known)
    items = [_item(version, old.get(version.name), held.get(version.name, "")) for version in new.values()]
    removed = [name for name in old if name not in new]
    items += [Item(service=name, change=Change.REMOVED) for name in removed]
    items.sort(key=lambda item: item.service)
    starting = {item.service for item in items if item.change in (Change.CHANGED, Change.ADDED)}
    stopping = {name for name in old if not old[name].held and (name in removed or name in held)}
    order = start_order(new.values(), known.values())
    return Plan(
        items=tuple(items),
        start=tuple(new[ServiceName(name)].name for name in order if name in starting),
        stop=tuple(
            old[ServiceName(name)].name for name in reversed(start_order(old.values())) if name in stopping
        ),
        tasks=tuple(known[TaskName(name)] for name in order if name in known and name not in {*done, *held}),
    )


def start_order(versions: Iterable[ServiceVersion], tasks: Iterable[Task] = ()) -> list[Label]:
    """Every service and task after those it requires; otherwise by name. A cycle is entered at its first name."""
    required = _requirements(versions, tasks)
    ordered: list[Label] = []
    visited: set[Label] = set()

    def visit(name: Label) -> None:
        if name in visited or name not in required:
            return
        visited.add(name)
        for other in required[name]:
            visit(other)
        ordered.append(name)

    for name in sorted(required):
        visit(name)
    return ordered


def stages(
    services: Collection[ServiceName], tasks: Sequence[Task], versions: Iterable[ServiceVersion]
) -> list[Stage]:
    """Group what is to start and run so that each stage requires only what stands in earlier ones, or itself as a task.

    `tasks` are in an order that their requirements allow.
    """
    known = {task.name: task for task in tasks}
    required = _requirements(versions, tasks)
    depth: dict[Label, int] = {}
    for name in start_order(versions, tasks):
        depth[name] = max(
            (depth[other] + (other in services) for other in required[name] if other in depth), default=0
        )
    grouped: dict[int, Stage] = {}
    for task in tasks:
        stage = grouped.get(depth[task.name], Stage())
        grouped[depth[task.name]] = replace(stage, tasks=(*stage.tasks, known[task.name]))
    for service in services:
        stage = grouped.get(depth[service], Stage())
        grouped[depth[service]] = replace(stage, services=(*stage.services, service))
    return [grouped[number] for number in sorted(grouped)]


def _requirements(
    versions: Iterable[ServiceVersion], tasks: Iterable[Task]
) -> dict[Label, tuple[Label, ...]]:
    return {
        **{task.name: task.require for task in tasks},
        **{version.name: version.definition.require for version in versions},
    }


def _held(new: Mapping[ServiceName, ServiceVersion], tasks: Mapping[TaskName, Task]) -> dict[Label, str]:
    """The services and tasks that have to wait, and why."""
    required = _requirements(new.values(), tasks.values())
    held: dict[Label, str] = {}
    for name in start_order(new.values(), tasks.values()):
        waiting = _lacks_code(name, new, tasks)
        if waiting:
            held[name] = waiting
            continue
        for other in required[name]:
            if other not in required:
                held[name] = f"waits for {other}, which is not defined in this deployment"
            elif other in held:
                held[name] = f"waits for {other}, which is held itself"
    return held


def _lacks_code(
    name: Label, new: Mapping[ServiceName, ServiceVersion], tasks: Mapping[TaskName, Task]
) -> str:
    task = tasks.get(TaskName(name))
    if task is None:
        return new[ServiceName(name)].held
    if task.service not in new:
        return f"waits for {task.service}, which is not defined in this deployment"
    return f"waits for {task.service}, which is held itself" if new[task.service].held else ""


def _item(version: ServiceVersion, old: ServiceVersion | None, held: str) -> Item:
    if held:
        return Item(service=version.name, change=Change.HELD, reasons=(held,))
    if old is None or old.held:
        return Item(service=version.name, change=Change.ADDED)
    if old.fingerprint == version.fingerprint:
        return Item(service=version.name, change=Change.UNCHANGED)
    return Item(service=version.name, change=Change.CHANGED, reasons=_reasons(version, old))


def _reasons(version: ServiceVersion, old: ServiceVersion) -> tuple[str, ...]:
    code = "image" if version.definition.image else CODE
    reasons = [code] if version.code != old.code else []
    reasons += [
        field.name
        for field in fields(ServiceDefinition)
        if field.name != "env"
        and getattr(version.definition, field.name) != getattr(old.definition, field.name)
    ]
    names = _changed_names(version.visible, old.visible)
    if names:
        reasons.append(f"env {' '.join(names)}")
    return tuple(dict.fromkeys(reasons)) or ("secrets or generated values",)


def _changed_names(new: Pairs, old: Pairs) -> list[str]:
    before, after = dict(old), dict(new)
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
