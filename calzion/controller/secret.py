"""What can be a secret, and who uses it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from calzion.controller.appliance import APPLIANCES
from calzion.errors import CalzionError
from calzion.model import Pairs, ServiceDefinition
from calzion.template.interpolation import BUILT_IN, MAX_VALUE, references

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")


def check_secret(name: str, value: object) -> str:
    """The value of a secret that can be set. Raises CalzionError (usage) where name or value can't be one."""
    if not _NAME.fullmatch(name):
        raise CalzionError(
            f"{name[:80]!a} can't be the name of a secret",
            hint="use letters, digits and '_', such as SECRET_KEY",
            code="usage",
        )
    if name in BUILT_IN:
        raise CalzionError(f"{name} is a name that Calzion gives itself", hint="choose another", code="usage")
    problem = _problem(value)
    if problem or not isinstance(value, str):
        raise CalzionError(f"{name}: the value {problem}", code="usage")
    return value


def _problem(value: object) -> str:
    if not isinstance(value, str):
        return "is no text"
    if not value:
        return "is empty"
    if "\0" in value:
        return "has a NUL byte, which no variable can hold"
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return "is no UTF-8"
    return f"is longer than {MAX_VALUE} bytes" if size > MAX_VALUE else ""


def users(name: str, env: Pairs, services: Iterable[ServiceDefinition]) -> list[str]:
    """The services whose `env` names the value, itself or by way of the section `Env`."""
    names = {name}
    while more := {key for key, text in env if key not in names and names & set(references(text))}:
        names |= more
    return [
        each.name
        for each in services
        if any(names & set(references(text, strict=False)) for text in _seen(each))
    ]


def _seen(definition: ServiceDefinition) -> list[str]:
    """The values that reach its processes: an appliance looks at few."""
    image = (definition.image or "").rpartition("/")[2]
    appliance = APPLIANCES.get(re.split("[:@]", image)[0])
    return [text for name, text in definition.env if appliance is None or name in appliance.reads]
