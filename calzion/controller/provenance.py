"""The environment of a service's processes, and where each variable comes from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from calzion.controller import environment
from calzion.controller.appliance import APPLIANCES
from calzion.controller.surroundings import Member, Surroundings
from calzion.model import Pairs

CALZION, SECTION, SERVICE, BUILDPACK = "Calzion", "Env", "env", "buildpack"


@dataclass(frozen=True, kw_only=True)
class Variable:
    """`origin` is Calzion, Env, env, buildpack, `address of SERVICE` or `appliance SERVICE`."""

    name: str
    value: str
    origin: str


def variables(
    around: Surroundings, member: Member, config: Pairs, instance: Mapping[str, str]
) -> list[Variable]:
    """By name; secrets and generated values as `${NAME}`. `config` is the slug's, `instance` an instance's own."""
    hidden = around.hidden()
    values = {**dict(config), **hidden.environment(member), **instance}
    origins = _origins(around, member)
    return [
        Variable(
            name=name,
            value=_unquoted(value, hidden),
            origin=CALZION if name in instance else origins.get(name, _default(member)),
        )
        for name, value in sorted(values.items())
    ]


def _origins(around: Surroundings, member: Member) -> dict[str, str]:
    found: dict[str, str] = {}
    neighbours = () if member.appliance else around.neighbours(member, hidden=True)
    for each in neighbours:
        found |= dict.fromkeys(environment.addresses([each]), f"address of {each.service}")
        found |= dict.fromkeys(environment.appliance_urls([each]), f"appliance {each.service}")
    section = set(around.env)
    return found | {
        name: SECTION if (name, text) in section else SERVICE for name, text in member.definition.env
    }


def _default(member: Member) -> str:
    return CALZION if member.appliance in APPLIANCES else BUILDPACK


def _unquoted(value: str, hidden: Surroundings) -> str:
    """URLs quote the stand-ins of what they hide."""
    for stand_in in (*hidden.generated.values(), *hidden.secrets.values()):
        value = value.replace(quote(stand_in, safe=""), stand_in)
    return value
