"""What an infrastructure file declares, as values that can be compared and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from calzion.model import DeploymentName, Limits, ServiceName

MAX_COUNT = 100
"""Instances of one process type; more would exhaust the ports of one machine."""


@dataclass(frozen=True, order=True)
class Unit:
    """A service, or one of its process types."""

    service: ServiceName
    process_type: str = ""

    def __str__(self) -> str:
        return f"{self.service}.{self.process_type}" if self.process_type else str(self.service)

    @classmethod
    def of(cls, text: str) -> Self:
        """What `str` made."""
        service, _, process_type = text.partition(".")
        return cls(ServiceName(service), process_type)


@dataclass(frozen=True, order=True)
class Target:
    """Where a domain leads."""

    deployment: DeploymentName
    service: ServiceName

    def __str__(self) -> str:
        return f"{self.deployment}:{self.service}"

    @classmethod
    def of(cls, text: str) -> Self:
        """What `str` made."""
        deployment, _, service = text.partition(":")
        return cls(DeploymentName(deployment), ServiceName(service))


@dataclass(frozen=True, kw_only=True)
class Domain:
    """`paths` maps prefixes, `/` the rest, each without a slash at its end, to services of one deployment; else
    `redirect` is the address that stands in place of scheme and host.

    `auth` maps users to bcrypt hashes of their passwords; with none of them everybody may come. With `sticky` a client
    stays at one instance as long as that is there.
    """

    paths: Mapping[str, Target] = field(default_factory=dict)
    redirect: str = ""
    auth: Mapping[str, str] = field(default_factory=dict, repr=False)
    sticky: bool = False

    @property
    def deployment(self) -> DeploymentName | None:
        """Whose domain it is; nobody's where it only redirects."""
        return next((target.deployment for target in self.paths.values()), None)

    def __str__(self) -> str:
        if self.redirect:
            return f"redirects to {self.redirect}"
        led = [str(self.paths["/"])] if "/" in self.paths else []
        led += [f"{self.paths[path]} at {path}" for path in sorted(self.paths) if path != "/"]
        manner = [f"passwords of {', '.join(sorted(self.auth))}"] if self.auth else []
        manner += ["sticky"] if self.sticky else []
        return "; ".join([f"leads to {', '.join(led)}", *manner])

    def to_data(self) -> dict[str, Any]:
        return {
            "paths": {path: str(target) for path, target in sorted(self.paths.items())},
            "redirect": self.redirect,
            "auth": dict(sorted(self.auth.items())),
            "sticky": self.sticky,
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        paths = {path: Target.of(target) for path, target in data["paths"].items()}
        return cls(paths=paths, redirect=data["redirect"], auth=data["auth"], sticky=data["sticky"])


Counts = Mapping[Unit, int]
Bounds = Mapping[Unit, Limits]


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """`domains` by host name, which may begin with `*.`; `ports` to the outside; `scale` and `limits` by deployment."""

    domains: Mapping[str, Domain] = field(default_factory=dict)
    ports: Mapping[int, Target] = field(default_factory=dict)
    scale: Mapping[DeploymentName, Counts] = field(default_factory=dict)
    limits: Mapping[DeploymentName, Bounds] = field(default_factory=dict)

    def limits_of(self, deployment: str, service: str, process_type: str) -> Limits:
        """What was declared for the process type, over what was for its service."""
        bounds = self.limits.get(DeploymentName(deployment), {})
        name = ServiceName(service)
        below, above = bounds.get(Unit(name), Limits()), bounds.get(Unit(name, process_type), Limits())
        merged = {key: value for each in (below, above) for key, value in asdict(each).items() if value}
        return Limits(**merged)

    def to_data(self) -> dict[str, Any]:
        """JSON data that `of` reads."""
        return {
            "domains": {host: domain.to_data() for host, domain in sorted(self.domains.items())},
            "ports": {str(port): str(target) for port, target in sorted(self.ports.items())},
            "scale": {
                deployment: {str(unit): count for unit, count in sorted(counts.items())}
                for deployment, counts in sorted(self.scale.items())
            },
            "limits": {
                deployment: {str(unit): limits_data(limits) for unit, limits in sorted(bounds.items())}
                for deployment, bounds in sorted(self.limits.items())
            },
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            domains={host: Domain.of(domain) for host, domain in data["domains"].items()},
            ports={int(port): Target.of(target) for port, target in data["ports"].items()},
            scale={
                DeploymentName(name): {Unit.of(unit): int(count) for unit, count in counts.items()}
                for name, counts in data["scale"].items()
            },
            limits={
                DeploymentName(name): {Unit.of(unit): Limits(**limits) for unit, limits in bounds.items()}
                for name, bounds in data["limits"].items()
            },
        )


def limits_data(limits: Limits) -> dict[str, Any]:
    """Those that are set."""
    return {name: value for name, value in asdict(limits).items() if value is not None}


def limits_text(limits: Limits) -> str:
    """For a person to read."""
    names = {"memory": _bytes(limits.memory), "cpus": limits.cpus, "pids": limits.processes}
    return (
        ", ".join(
            f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in names.items()
            if value is not None
        )
        or "none"
    )


def _bytes(count: int | None) -> str | None:
    if count is None:
        return None
    for unit, size in (("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)):
        if count % size == 0:
            return f"{count // size}{unit}"
    return str(count)
