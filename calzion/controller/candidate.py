"""A new instance that is to show that it is up, and what to say where it does not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from calzion.causes.report import LINES_TO_SEARCH
from calzion.controller import failures
from calzion.controller.failures import Sighting
from calzion.controller.parts import Parts
from calzion.errors import CalzionError
from calzion.model import Endpoint, Healthcheck, Instance, InstanceState, RunSpec

_DOWN = frozenset({InstanceState.WAITING, InstanceState.EXITED})


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A new instance and how it shows that it is up; without `healthcheck` it only has to stay alive.

    `others` are the process types that its service would still run without its own.
    """

    spec: RunSpec
    name: str
    healthcheck: Healthcheck | None
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Healthy:
    id: str
    endpoints: dict[str, Endpoint]


def has_ended(instance: Instance) -> bool:
    return instance.state in _DOWN or instance.restarts > 0


def ended(
    parts: Parts, candidate: Candidate, instance: Instance, listening: tuple[int, ...] = ()
) -> CalzionError:
    """What to say of a new instance that did not stay; `listening` are the ports on which it was seen."""
    seen = replace(sighting(parts, candidate), listening=listening)
    how = f"ended right after its start: {instance.exit or 'an unknown exit code'}"
    hint, also = failures.MEND, ""
    if instance.exit and instance.exit.background:
        how = "went into the background, where it was ended"
        hint = "have it stay in the foreground, and push again"
    if candidate.others:
        service, others = candidate.spec.service, ", ".join(candidate.others)
        also = f"or leave it out: 'processes: [{others}]' at {service} in the template"
    return failures.ended(seen, how, instance.exit, hint=hint, also=also)


def sighting(parts: Parts, candidate: Candidate) -> Sighting:
    check = candidate.healthcheck
    return Sighting(
        spec=candidate.spec,
        lines=parts.backend.tail(candidate.spec.id, LINES_TO_SEARCH),
        port=check.port if check and check.cmd is None else None,
        path=(check.path if check else None) or "",
    )
