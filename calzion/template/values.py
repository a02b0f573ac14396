"""The values that keys of a template hold, as pydantic types.

Every validator gets plain data (`calzion.template.data`) and raises Misfit with a whole sentence. The JSON Schema
beside it says as much of the same as a schema can; what it lets through, the validator still refuses.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    PlainValidator,
    Tag,
    ValidationInfo,
    WithJsonSchema,
)

from calzion.template.command import argument, arguments, release_script, script
from calzion.template.data import Data, PlainScalar, described
from calzion.template.directory import directory, directory_of_client, template_path
from calzion.template.duration import DAY, duration, period
from calzion.template.healthpath import health_path
from calzion.template.image import ImageReference
from calzion.template.interpolation import skeleton
from calzion.template.meaning import Also, OrNothing
from calzion.template.port import ASSIGN, port_name, port_number
from calzion.template.problem import Misfit
from calzion.template.signals import SIGNALS, stop_signal
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

LIST, ONE = "<list>", "<one>"
"""Tags of the two forms that a value may have; pydantic puts them into the places of its errors."""


def _form(value: Any) -> str:
    return LIST if isinstance(value, list) else ONE


def emptied(value: Any) -> Any:
    return {} if value is None else value


def emptied_list(value: Any) -> Any:
    return [] if value is None else value


def _given(value: Any) -> Any:
    if value is None:
        raise Misfit("a value is needed here, found nothing")
    return value


def _image(value: Data) -> str:
    found = text(value, "an image reference")
    ImageReference.parse(skeleton(found))
    return found


def _length(value: Data) -> int:
    number = value.whole() if isinstance(value, PlainScalar) else None
    if number is None or not 1 <= number <= 1024:
        raise Misfit(f"a length is a whole number from 1 to 1024, found {described(value)}")
    return number


def _text_schema(pattern: str = "", longest: int | None = None) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", "minLength": 1}
    schema |= {"pattern": pattern} if pattern else {}
    schema |= {"maxLength": longest} if longest else {}
    return WithJsonSchema(schema)


def _time_schema(shortest: float) -> WithJsonSchema:
    seconds = {"type": "number", "minimum": shortest, "maximum": DAY}
    return WithJsonSchema({"anyOf": [seconds, {"type": "string", "pattern": _WITH_UNIT}]})


_WITH_UNIT = r"^[0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h)$"
_ANY_SCALAR = WithJsonSchema({"type": ["string", "number", "boolean"]})
_LABEL = _text_schema("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
_LABEL_AS_WRITTEN = WithJsonSchema({**(_LABEL.json_schema or {}), "type": ["string", "number", "boolean"]})
_NAME = _text_schema("^[A-Za-z_][A-Za-z0-9_]*$", 255)
_PORT = WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, {"const": ASSIGN}]})
CLIENT = "client"
"""The context of validating what a client is to upload, which may name code outside of the repository."""


def _code(value: Data, info: ValidationInfo) -> str:
    return directory_of_client(value) if info.context == CLIENT else directory(value)


_DIRECTORY = _text_schema(r"^(?!/)(?!\.\.(/|$))(?!.*/\.\.(/|$))", 1024)

Given = BeforeValidator(_given)
"""The key may be left out, but not be without a value."""

Text = Annotated[str, PlainValidator(written), _ANY_SCALAR]
EnvName = Annotated[str, PlainValidator(env_name), _NAME]
EnvMap = Annotated[dict[EnvName, Text], BeforeValidator(emptied), OrNothing()]
Label = Annotated[
    str, PlainValidator(label_name), _text_schema("^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$", 255)
]
Labels = Annotated[dict[Label, Text], BeforeValidator(emptied), OrNothing()]
VolumeName = Annotated[str, PlainValidator(volume_name), _LABEL]
VolumePath = Annotated[str, PlainValidator(volume_path), _text_schema(r"^(/|\$\{)", 1024)]
Volumes = Annotated[dict[VolumeName, VolumePath], BeforeValidator(emptied), OrNothing()]

Image = Annotated[str | None, PlainValidator(_image), _text_schema("^[A-Za-z0-9$\\[]", 600)]
Directory = Annotated[str | None, PlainValidator(directory), _DIRECTORY]
CodeDirectory = Annotated[str | None, PlainValidator(_code), _text_schema("^(?!/)", 1024)]
TemplatePath = Annotated[str, PlainValidator(template_path), _DIRECTORY]

Argument = Annotated[str, PlainValidator(argument), _ANY_SCALAR]
Script = Annotated[str, PlainValidator(script), _text_schema(r"\S"), Tag(ONE)]
Arguments = Annotated[
    tuple[Argument, ...],
    AfterValidator(arguments),
    WithJsonSchema({"type": "array", "items": {"type": ["string", "number", "boolean"]}, "minItems": 1}),
    Tag(LIST),
]
CommandShape = Annotated[Script | Arguments, Discriminator(_form)]
ReleaseScript = Annotated[str | None, PlainValidator(release_script), _text_schema(r"\S")]

PortName = Annotated[str, PlainValidator(port_name), _LABEL]
PortNumber = Annotated[int | None, PlainValidator(port_number), _PORT]
PortMap = Annotated[dict[PortName, PortNumber], Tag(ONE)]
PortList = Annotated[
    list[PortName], WithJsonSchema({"type": "array", "items": _LABEL.json_schema}), Tag(LIST)
]
Ports = Annotated[PortMap | PortList, Discriminator(_form)]

Period = Annotated[float, PlainValidator(period), _time_schema(0.1)]
Duration = Annotated[float, PlainValidator(duration), _time_schema(0)]
HEALTH_PATH = _text_schema(r"^(/|\$\{)[^\s#]*$", 1024)
HealthPath = Annotated[str | None, PlainValidator(health_path), HEALTH_PATH]
Signal = Annotated[
    str | None,
    PlainValidator(stop_signal),
    WithJsonSchema({"enum": [*SIGNALS, *(name.removeprefix("SIG") for name in SIGNALS)]}),
]
Flag = Annotated[bool | None, PlainValidator(flag), WithJsonSchema({"type": "boolean"})]
Length = Annotated[
    int, PlainValidator(_length), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 1024})
]

ServiceRef = Annotated[str, PlainValidator(service_name), _LABEL_AS_WRITTEN]
TaskKey = Annotated[str, PlainValidator(task_name), _LABEL]
Requirement = Annotated[str, PlainValidator(requirement_name), _LABEL_AS_WRITTEN]
Require = Annotated[list[Requirement], BeforeValidator(emptied_list), OrNothing()]
ProcessType = Annotated[
    str, PlainValidator(process_type), _text_schema("^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$")
]
ProcessTypes = Annotated[list[ProcessType], Also({"minItems": 1})]
Buildpack = Annotated[str, PlainValidator(buildpack), _text_schema("^[^ ]+$", 1000)]
Buildpacks = Annotated[list[Buildpack], Also({"minItems": 1})]
VariableNames = Annotated[
    list[Annotated[str, PlainValidator(variable), _NAME]], BeforeValidator(emptied_list), OrNothing()
]
Prefix = Annotated[str, PlainValidator(variable_prefix), _NAME]
Exposed = Annotated[dict[ServiceRef, Prefix], BeforeValidator(emptied), OrNothing()]
