"""The environment of a process, built up in the order of docs/template.md. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from calzion.controller.appliance import APPLIANCES
from calzion.errors import CalzionError
from calzion.model import Pairs
from calzion.template.exposure import variable_prefix
from calzion.template.interpolation import InterpolationError, UnknownName, interpolate, scope

DISCOVERY_URL, DISCOVERY_TOKEN = "DISCOVERY_URL", "DISCOVERY_TOKEN"


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A service as another one of its deployment reaches it. `ports` maps a port's name to its number, first first.

    `prefix` begins the names of its variables where that is not the service's name.
    """

    service: str
    address: str
    ports: Mapping[str, int] = field(default_factory=dict)
    appliance: str | None = None
    url: str = field(default="", repr=False)
    prefix: str = ""

    @property
    def variables(self) -> str:
        """What the names of its variables begin with."""
        return self.prefix or variable_prefix(self.service)


def addresses(neighbours: Iterable[Neighbour]) -> dict[str, str]:
    """<S>_HOST, <S>_PORT, <S>_PORT_<NAME> and <S>_ADDR of every service."""
    env: dict[str, str] = {}
    for neighbour in neighbours:
        prefix = neighbour.variables
        env[f"{prefix}_HOST"] = neighbour.address
        for name, number in neighbour.ports.items():
            env[f"{prefix}_PORT_{variable_prefix(name)}" if name else f"{prefix}_PORT"] = str(number)
        if neighbour.ports:
            first = next(iter(neighbour.ports.values()))
            env.setdefault(f"{prefix}_PORT", str(first))
            env[f"{prefix}_ADDR"] = f"{neighbour.address}:{first}"
    return env


def appliance_urls(neighbours: Iterable[Neighbour]) -> dict[str, str]:
    """<S>_URL of every appliance; DATABASE_URL and REDIS_URL where there is exactly one of the kind."""
    env: dict[str, str] = {}
    kinds: dict[str, list[str]] = {}
    for neighbour in neighbours:
        if neighbour.appliance:
            env[f"{neighbour.variables}_URL"] = neighbour.url
            kinds.setdefault(neighbour.appliance, []).append(neighbour.url)
    for kind, urls in kinds.items():
        if len(urls) == 1:
            env.setdefault(APPLIANCES[kind].url_variable, urls[0])
    return env


def values_of(
    *, deployment: str, service: str, env: Pairs, generated: Mapping[str, str], secrets: Mapping[str, str]
) -> dict[str, str]:
    """What `${NAME}` can name: secrets before generated values before `Env` before the built-in names.

    Raises CalzionError (template) where a value of `Env` refers to a name that nothing gives.
    """
    try:
        return scope(env, first={**generated, **secrets}, last={"DEPLOYMENT": deployment, "SERVICE": service})
    except (UnknownName, InterpolationError) as error:
        raise CalzionError(f"Env: {error}", hint=_hint(error, deployment), code="template") from error


def resolve(text: str, values: Mapping[str, str], place: str) -> str:
    """Replace the references in `text`. Raises CalzionError (template) that names the place."""
    try:
        return interpolate(text, values)
    except (UnknownName, InterpolationError) as error:
        hint = _hint(error, values.get("DEPLOYMENT", "DEPLOYMENT"))
        raise CalzionError(f"{place}: {error}", hint=hint, code="template") from error


def _hint(error: Exception, deployment: str) -> str:
    if isinstance(error, UnknownName):
        return f"write it into Env or Generate, or: calzion secrets set {deployment} {error.name}"
    return "names come from secrets, Generate, Env, DEPLOYMENT and SERVICE"


def own(definition_env: Pairs, values: Mapping[str, str], service: str) -> dict[str, str]:
    """The service's variables with their references replaced."""
    return {name: resolve(value, values, f"{service}: env: {name}") for name, value in definition_env}


def of_instance(
    *, deployment: str, service: str, instance: str, release: int, ports: Mapping[str, int]
) -> dict[str, str]:
    """What one instance alone has; no part of the comparison of releases."""
    env = {"DEPLOYMENT": deployment, "SERVICE": service, "INSTANCE": instance, "RELEASE": f"v{release}"}
    for name, number in ports.items():
        env[f"PORT_{variable_prefix(name)}" if name else "PORT"] = str(number)
    if ports:
        env.setdefault("PORT", str(next(iter(ports.values()))))
    return env
