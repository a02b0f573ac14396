"""What this server can't run, said before anything is built or stopped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from calzion.backends.protocol import Backend
from calzion.controller import environment
from calzion.controller.surroundings import Surroundings
from calzion.errors import CalzionError
from calzion.model import Port, ServiceDefinition, Task
from calzion.template.exposure import variable_prefix
from calzion.template.image import ImageReference

_NEEDS_ENGINE = (
    ("build", "give it 'git: DIRECTORY' to have it built by a buildpack"),
    ("privileged", "leave it out"),
)


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """What runs a service: an `appliance`, an `image` that is pulled (its whole reference), or its own code."""

    appliance: str | None = None
    image: str | None = None


def admit(backend: Backend, definition: ServiceDefinition, values: Mapping[str, str]) -> Admitted:
    """What runs the service here. `values` is what `${NAME}` means to it.

    Raises CalzionError (unsupported, template) for what this backend can't run.
    """
    if not backend.containers:
        _refuse_without_engine(definition)
    if definition.image is None:
        if not backend.containers:
            _refuse_fixed_ports(definition)
        return Admitted()
    image = environment.resolve(definition.image, values, f"{definition.name}: image")
    try:
        appliance = backend.resolve(image)
    except CalzionError as error:
        raise CalzionError(
            f"{definition.name}: {error.message}", hint=error.hint, code=error.code, detail=error.detail
        ) from error
    if appliance is None:
        _check_reference(definition, image)
    return Admitted(appliance=appliance, image=None if appliance else image)


def check_privileges(services: Iterable[ServiceDefinition], *, allowed: bool) -> None:
    """Raises CalzionError (unsupported) for a service that asks for more than the server's configuration allows.

    What runs already is left alone when the configuration changes.
    """
    for definition in services:
        if definition.privileged and not allowed:
            raise CalzionError(
                f"{definition.name}: 'privileged' would give it the whole machine, and this server does not allow it",
                hint="leave it out, or let the server's administrator set allow-privileged to yes",
                code="unsupported",
            )


def check_tasks(wanted: Sequence[Task], surroundings: Surroundings) -> None:
    """Raises CalzionError (template) for a task that has no app to run in."""
    for task in wanted:
        member = surroundings.members.get(task.service)
        if member is None or member.appliance:
            raise CalzionError(
                f"the task {task.name} needs an app to run in, which {task.service} is not",
                hint="name a service with 'git'",
                code="template",
            )


def _check_reference(definition: ServiceDefinition, image: str) -> None:
    """Only now its `${NAME}` are known."""
    try:
        ImageReference.parse(image)
    except ValueError as error:
        raise CalzionError(f"{definition.name}: image: {error}", code="template") from error


def _refuse_without_engine(definition: ServiceDefinition) -> None:
    for key, way_out in _NEEDS_ENGINE:
        if getattr(definition, key):
            raise CalzionError(
                f"{definition.name}: '{key}' needs a container engine, and this server runs services as processes",
                hint=f"{way_out}; 'calzion doctor' says what this machine can do",
                code="unsupported",
            )


def _refuse_fixed_ports(definition: ServiceDefinition) -> None:
    for port in definition.ports:
        if port.number is not None:
            raise CalzionError(
                f"{definition.name}: the fixed port {port.number} would collide between deployments on one machine",
                hint=f"{_without_number(port)}: then PORT says where to listen, and other services"
                f" find it by {variable_prefix(definition.name)}_ADDR (host:port)",
                code="unsupported",
            )


def _without_number(port: Port) -> str:
    return f"write '{port.name}: assign' in 'ports'" if port.name else "leave 'port' out"
