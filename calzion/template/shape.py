"""The shape of a template as pydantic models: which keys there are, and what each may hold.

Every validator gets plain data (`calzion.template.data`) and raises Misfit with a whole sentence.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationInfo,
)

from calzion.template.command import argument, arguments, release_script, script
from calzion.template.data import Data, PlainScalar, described
from calzion.template.directory import directory, directory_of_client, template_path
from calzion.template.duration import duration, period
from calzion.template.healthpath import health_path
from calzion.template.image import ImageReference
from calzion.template.interpolation import skeleton
from calzion.template.port import port_name, port_number
from calzion.template.problem import Misfit
from calzion.template.signals import stop_signal
from calzion.template.text import (
    buildpack,
    env_name,
    flag,
    label_name,
    process_type,
    requirement_name,
    service_name,
    task_name,
    text,
    variable,
    variable_prefix,
    written,
)
from calzion.template.volume import volume_name, volume_path

CLIENT = "client"
"""The context of validating what a client is to upload, which may name code outside of the repository."""

LIST, ONE = "<list>", "<one>"
"""Tags of the two forms that a value may have; pydantic puts them into the places of its errors."""


def _form(value: Any) -> str:
    return LIST if isinstance(value, list) else ONE


def _given(value: Any) -> Any:
    if value is None:
        raise Misfit("a value is needed here, found nothing")
    return value


def _emptied(value: Any) -> Any:
    return {} if value is None else value


def _emptied_list(value: Any) -> Any:
    return [] if value is None else value


def _image(value: Data) -> str:
    found = text(value, "an image reference")
    ImageReference.parse(skeleton(found))
    return found


def _length(value: Data) -> int:
    number = value.whole() if isinstance(value, PlainScalar) else None
    if number is None or not 1 <= number <= 1024:
        raise Misfit(f"a length is a whole number from 1 to 1024, found {described(value)}")
    return number


def _code(value: Data, info: ValidationInfo) -> str:
    return directory_of_client(value) if info.context == CLIENT else directory(value)


def _named_path(value: Any) -> Any:
    """`healthcheck: /healthz` is short for `healthcheck: {path: /healthz}`."""
    return {"path": value} if isinstance(value, str) else value


Text = Annotated[str, PlainValidator(written)]
EnvMap = Annotated[dict[Annotated[str, PlainValidator(env_name)], Text], BeforeValidator(_emptied)]
Labels = Annotated[dict[Annotated[str, PlainValidator(label_name)], Text], BeforeValidator(_emptied)]
Volumes = Annotated[
    dict[Annotated[str, PlainValidator(volume_name)], Annotated[str, PlainValidator(volume_path)]],
    BeforeValidator(_emptied),
]
Argument = Annotated[str, PlainValidator(argument)]
Script = Annotated[str, PlainValidator(script), Tag(ONE)]
Arguments = Annotated[tuple[Argument, ...], AfterValidator(arguments), Tag(LIST)]
CommandShape = Annotated[Script | Arguments, Discriminator(_form)]
PortName = Annotated[str, PlainValidator(port_name)]
PortNumber = Annotated[int | None, PlainValidator(port_number)]
PortMap = Annotated[dict[PortName, PortNumber], Tag(ONE)]
PortList = Annotated[list[PortName], Tag(LIST)]
Ports = Annotated[PortMap | PortList, Discriminator(_form)]
Period = Annotated[float, PlainValidator(period)]
Duration = Annotated[float, PlainValidator(duration)]
ProcessTypes = list[Annotated[str, PlainValidator(process_type)]]
ServiceRef = Annotated[str, PlainValidator(service_name)]
Require = Annotated[list[Annotated[str, PlainValidator(requirement_name)]], BeforeValidator(_emptied_list)]
Buildpacks = list[Annotated[str, PlainValidator(buildpack)]]
VariableNames = Annotated[list[Annotated[str, PlainValidator(variable)]], BeforeValidator(_emptied_list)]
Exposed = Annotated[
    dict[ServiceRef, Annotated[str, PlainValidator(variable_prefix)]], BeforeValidator(_emptied)
]
Flag = Annotated[bool | None, PlainValidator(flag)]


class Shape(BaseModel):
    """`nested` are the shapes of the maps below.

    For sentences: `what` is wanted, `noun` is what a key is called, `aside` follows an unknown one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    what: ClassVar[str]
    noun: ClassVar[str] = "key"
    aside: ClassVar[str] = ""
    nested: ClassVar[dict[str, type[Shape]]] = {}


class HealthcheckShape(Shape):
    what = "a health check is a path such as /healthz, or a map"

    path: Annotated[str | None, PlainValidator(health_path)] = None
    port: Annotated[str, PlainValidator(port_name)] = ""
    cmd: Annotated[CommandShape | None, BeforeValidator(_given)] = None
    interval: Period | None = None
    timeout: Period | None = None
    grace: Duration | None = None


class StopShape(Shape):
    what = "stop is a map of signal and timeout"

    signal: Annotated[str | None, PlainValidator(stop_signal)] = None
    timeout: Duration | None = None


class GenerateShape(Shape):
    what = "a generated value is a map such as {length: 32}, or empty"

    length: Annotated[int, PlainValidator(_length)] = 32


class TaskShape(Shape):
    what = "a task is a map of service, cmd and require"

    service: ServiceRef
    cmd: CommandShape
    require: Require = Field(default_factory=list)


class ServiceShape(Shape):
    what = "a service is a map of keys, or empty"
    nested: ClassVar[dict[str, type[Shape]]] = {"healthcheck": HealthcheckShape, "stop": StopShape}

    image: Annotated[str | None, PlainValidator(_image)] = None
    git: Annotated[str | None, PlainValidator(_code)] = None
    build: Annotated[str | None, PlainValidator(directory)] = None
    cmd: Annotated[CommandShape | None, BeforeValidator(_given)] = None
    entrypoint: Annotated[CommandShape | None, BeforeValidator(_given)] = None
    env: EnvMap = Field(default_factory=dict)
    port: PortNumber = None
    ports: Annotated[Ports | None, BeforeValidator(_given)] = None
    volumes: Volumes = Field(default_factory=dict)
    buildpacks: Annotated[Buildpacks | None, BeforeValidator(_given)] = None
    build_env: VariableNames = Field(default_factory=list)
    processes: Annotated[ProcessTypes | None, BeforeValidator(_given)] = None
    release: Annotated[str | None, PlainValidator(release_script)] = None
    healthcheck: Annotated[HealthcheckShape, BeforeValidator(_named_path)] = HealthcheckShape()
    require: Require = Field(default_factory=list)
    expose: Exposed = Field(default_factory=dict)
    stop: StopShape = StopShape()
    overlap: Flag = None
    labels: Labels = Field(default_factory=dict)
    privileged: Flag = None


class IncludesShape(Shape):
    """`Includes` is read before all files are merged; the other sections afterwards."""

    what = "a template is a map of services and sections"

    Includes: Annotated[
        list[Annotated[str, PlainValidator(template_path)]], BeforeValidator(_emptied_list)
    ] = Field(default_factory=list)


class SectionsShape(IncludesShape):
    what = "a template is a map of services and sections"
    noun = "section"
    aside = "; it begins with a capital, so it is no service"
    nested: ClassVar[dict[str, type[Shape]]] = {"Generate": GenerateShape, "Run": TaskShape}

    Env: EnvMap = Field(default_factory=dict)
    Generate: Annotated[
        dict[Annotated[str, PlainValidator(env_name)], Annotated[GenerateShape, BeforeValidator(_emptied)]],
        BeforeValidator(_emptied),
    ] = Field(default_factory=dict)
    Run: Annotated[dict[Annotated[str, PlainValidator(task_name)], TaskShape], BeforeValidator(_emptied)] = (
        Field(default_factory=dict)
    )
