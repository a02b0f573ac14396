"""A whole deployment as a client proposes it: JSON data that nobody trusts -> a template, and what its code is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from calzion.controller.described import DescribedTree, parse_codes
from calzion.errors import CalzionError
from calzion.model import ServiceName, Template
from calzion.template import parse_sections, parse_service

_MOST_SERVICES = 1000


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """`codes` are of services that take code; one without is held."""

    template: Template
    codes: Mapping[ServiceName, DescribedTree]

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """`env`, `generate`, `run`, `services` (name -> keys) and `codes`.

        Raises CalzionError (template, usage) for what can't be used.
        """
        sections = read_sections(data)
        given = data.get("services", {})
        if not isinstance(given, dict) or len(given) > _MOST_SERVICES:
            raise CalzionError(f"'services' is no object of at most {_MOST_SERVICES} services", code="usage")
        services = tuple(
            parse_service(_name(name), _keys(keys), sections.env) for name, keys in given.items()
        )
        codes = parse_codes(data.get("codes", []))
        apps = {service.name for service in services if service.code is not None}
        if unknown := sorted(codes.keys() - apps):
            raise CalzionError(
                f"there is no service {unknown[0]} that takes code",
                hint="set its 'git' or 'build'",
                code="usage",
            )
        return cls(template=replace(sections, services=services), codes=codes)


def read_sections(data: Mapping[str, Any]) -> Template:
    """A template's sections: {"env": {…}, "generate": {"NAME": length}, "run": {"NAME": {…}}}.

    Raises CalzionError (template).
    """
    env, generate, run = (data.get(name, {}) for name in ("env", "generate", "run"))
    lengths = generate.items() if isinstance(generate, dict) else ()
    rules = {name: {"length": length} for name, length in lengths}
    return parse_sections({"Env": env, "Generate": rules, "Run": run})


def _name(text: str) -> ServiceName:
    try:
        return ServiceName.parse(text)
    except ValueError as error:
        raise CalzionError(str(error), code="usage") from error


def _keys(keys: object) -> dict[str, Any]:
    if not isinstance(keys, dict):
        raise CalzionError("a service is no object of keys", code="usage")
    return keys
