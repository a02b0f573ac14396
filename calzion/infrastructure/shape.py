"""The shape of an infrastructure file as pydantic models."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from calzion.infrastructure.values import (
    Count,
    Cpus,
    Memory,
    Name,
    OrEmpty,
    Pids,
    UnitText,
)
from calzion.template.shape import Shape


class LimitsShape(Shape):
    what = "limits are a map of memory, cpus and pids"

    memory: Memory | None = None
    cpus: Cpus | None = None
    pids: Pids | None = None


class InfrastructureShape(Shape):
    what = "an infrastructure file is a map of sections"
    noun = "section"
    nested: ClassVar[dict[str, type[Shape]]] = {"Limits": LimitsShape}

    Scale: Annotated[dict[Name, Annotated[dict[UnitText, Count], OrEmpty]], OrEmpty] = Field(
        default_factory=dict
    )
    Limits: Annotated[dict[Name, Annotated[dict[UnitText, LimitsShape], OrEmpty]], OrEmpty] = Field(
        default_factory=dict
    )
