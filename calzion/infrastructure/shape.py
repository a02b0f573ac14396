"""The shape of an infrastructure file as pydantic models."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from calzion.infrastructure.values import (
    Count,
    Cpus,
    HostName,
    Memory,
    Name,
    OrEmpty,
    PasswordHash,
    PathPrefix,
    Pids,
    Port,
    Redirect,
    TargetText,
    UnitText,
    UserName,
)
from calzion.template.shape import Shape
from calzion.template.values import Flag


def _named_target(value: Any) -> Any:
    """`example.com: shop:web` is short for `example.com: {http: shop:web}`."""
    return {"http": value} if isinstance(value, str) else value


class DomainShape(Shape):
    what = "a domain leads to DEPLOYMENT:SERVICE, or is a map of http, paths, redirect, auth and sticky"

    http: TargetText | None = None
    paths: Annotated[dict[PathPrefix, TargetText], OrEmpty] = Field(default_factory=dict)
    redirect: Redirect | None = None
    auth: Annotated[dict[UserName, PasswordHash], OrEmpty] = Field(default_factory=dict)
    sticky: Flag = None


class LimitsShape(Shape):
    what = "limits are a map of memory, cpus and pids"

    memory: Memory | None = None
    cpus: Cpus | None = None
    pids: Pids | None = None


class InfrastructureShape(Shape):
    what = "an infrastructure file is a map of sections"
    noun = "section"
    nested: ClassVar[dict[str, type[Shape]]] = {"Domains": DomainShape, "Limits": LimitsShape}

    Domains: Annotated[dict[HostName, Annotated[DomainShape, BeforeValidator(_named_target)]], OrEmpty] = (
        Field(default_factory=dict)
    )
    Ports: Annotated[dict[Port, TargetText], OrEmpty] = Field(default_factory=dict)
    Scale: Annotated[dict[Name, Annotated[dict[UnitText, Count], OrEmpty]], OrEmpty] = Field(
        default_factory=dict
    )
    Limits: Annotated[dict[Name, Annotated[dict[UnitText, LimitsShape], OrEmpty]], OrEmpty] = Field(
        default_factory=dict
    )
