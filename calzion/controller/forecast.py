"""A plan as users read it before it happens: with commits and the sizes of volumes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from calzion.controller.plan import CODE, Item, Plan, plan_lines
from calzion.model import ServiceName


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Commits are full ids by service, '' where code was uploaded as it lay.

    `volumes` maps SERVICE.NAME of those that would lose their use to bytes;
    `copied` maps what would be copied of the deployment `data_from` to the bytes that it takes there.
    """

    deployment: str
    plan: Plan
    old_commits: Mapping[ServiceName, str] = field(default_factory=dict)
    new_commits: Mapping[ServiceName, str] = field(default_factory=dict)
    volumes: Mapping[str, int] = field(default_factory=dict)
    data_from: str = ""
    copied: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON data with stable keys."""
        return {
            "deployment": self.deployment,
            "changes": self.plan.changes_something,
            "services": [self._item(item) for item in self.plan.items],
            "tasks": [{"name": task.name, "service": task.service} for task in self.plan.tasks],
            "data": self._data() if self.data_from else None,
        }

    def lines(self) -> list[str]:
        return forecast_lines(self.as_dict())

    def _item(self, item: Item) -> dict[str, Any]:
        prefix = f"{item.service}."
        kept = {
            name.removeprefix(prefix): size for name, size in self.volumes.items() if name.startswith(prefix)
        }
        return {
            "service": item.service,
            "change": item.change,
            "reasons": list(item.reasons),
            "code": self._commits(item.service) if CODE in item.reasons else None,
            "volumes": kept,
        }

    def _data(self) -> dict[str, Any]:
        sanitized = any(task.sanitize for task in self.plan.tasks)
        return {"from": self.data_from, "copied": dict(self.copied), "sanitized": sanitized}

    def _commits(self, service: ServiceName) -> dict[str, str]:
        return {"from": self.old_commits.get(service, ""), "to": self.new_commits.get(service, "")}


def forecast_lines(data: Mapping[str, Any]) -> list[str]:
    """What `as_dict` gave, a line a service and task; then what would be copied."""
    services = [(str(item["service"]), _described(item)) for item in data["services"]]
    lines = plan_lines(services, [(str(task["name"]), str(task["service"])) for task in data["tasks"]])
    return lines + (_data_lines(data["data"]) if data.get("data") else [])


def begins_with(origin: str, copied: Iterable[str]) -> str:
    return f"begins with the data of {origin}: {', '.join(copied) or 'nothing: no service has data in both'}"


def unsanitized(origin: str) -> str:
    return f"nothing sanitizes the data of {origin}: no task of 'Run' has 'sanitize: true'"


def _data_lines(data: Mapping[str, Any]) -> list[str]:
    copied = [f"{what} ({size / 1e6:.1f} MB)" for what, size in sorted(data["copied"].items())]
    lines = [begins_with(data["from"], copied)]
    return lines if data["sanitized"] or not copied else [*lines, unsanitized(data["from"])]


def _described(item: Mapping[str, Any]) -> str:
    reasons = [_with_commits(reason, item["code"]) for reason in item["reasons"]]
    reasons += [
        f"its volume {name} ({size / 1e6:.1f} MB) is kept until you remove it"
        for name, size in sorted(item["volumes"].items())
    ]
    return f"{item['change']}: {', '.join(reasons)}" if reasons else str(item["change"])


def _with_commits(reason: str, code: Mapping[str, str] | None) -> str:
    if reason != CODE or not code or code["from"] == code["to"]:
        return reason
    return f"{CODE} {code['from'][:7] or 'upload'}..{code['to'][:7] or 'upload'}"
