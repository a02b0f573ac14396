"""Text in a template, and the names that are text of a certain grammar."""

from __future__ import annotations

import re
from typing import TypeVar

from calzion.model import Label, ServiceName, TaskName
from calzion.template.address import redact
from calzion.template.buildpack import parse_reference
from calzion.template.data import Data, PlainScalar, described, shown
from calzion.template.interpolation import MAX_VALUE
from calzion.template.problem import Misfit

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?")
_PROCESS_TYPE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
_MAX_NAME = 255

_Name = TypeVar("_Name", bound=Label)


def text(value: Data, wanted: str = "text") -> str:
    """A string that is not empty. Raises Misfit, which says what was `wanted`."""
    if isinstance(value, PlainScalar):
        raise Misfit(f"{wanted} is needed here, found {described(value)}; put it in quotes if it is text")
    if not isinstance(value, str) or not value:
        raise Misfit(f"{wanted} is needed here, found {described(value)}")
    return sound(value)


def written(value: Data) -> str:
    """A string, number or boolean exactly as it was written. Raises Misfit."""
    if value is None:
        raise Misfit('a value is needed here, found nothing; write "" for the empty text')
    if isinstance(value, list | dict):
        raise Misfit(f"text, a number or a boolean is needed here, found {described(value)}")
    return sound(value.text if isinstance(value, PlainScalar) else value)


def sound(value: str) -> str:
    """`value` where an operating system can take it: no NUL, proper Unicode, not too long. Raises Misfit."""
    if "\0" in value:
        raise Misfit(f"{shown(value)} holds a NUL character")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise Misfit(f"{shown(value)} is no proper Unicode text") from None
    if size > MAX_VALUE:
        raise Misfit(f"a text of {size} bytes is too long; at most {MAX_VALUE} are allowed")
    return value


def env_name(value: str) -> str:
    if not _ENV_NAME.fullmatch(value) or len(value) > _MAX_NAME:
        raise Misfit(f"{shown(value)} is no name of a variable: use A-Z, a-z, 0-9 and '_', no digit in front")
    return value


def label_name(value: str) -> str:
    if not _LABEL_NAME.fullmatch(value) or len(value) > _MAX_NAME:
        raise Misfit(f"{shown(value)} is no label: use A-Z, a-z, 0-9 and inside also '.', '_', '-' and '/'")
    return value


def process_type(value: Data) -> str:
    name = text(value, "the name of a process type")
    if not _PROCESS_TYPE.fullmatch(name):
        allowed = "use A-Z, a-z, 0-9 and inside also '_' and '-', at most 63 characters"
        raise Misfit(f"{shown(name)} is no process type: {allowed}")
    return name


def service_name(value: Data) -> ServiceName:
    return _label(ServiceName, written(value))


def task_name(value: Data) -> TaskName:
    return _label(TaskName, written(value))


def requirement_name(value: Data) -> Label:
    """A service or a task of `Run`; which of them, only the whole template tells."""
    return _label(_Requirement, written(value))


def variable(value: Data) -> str:
    """The name of an environment variable as a value."""
    return env_name(text(value, "the name of a variable"))


def variable_prefix(value: Data) -> str:
    """What stands before _HOST, _PORT and _ADDR."""
    return env_name(text(value, "the prefix of variables, such as DB"))


def flag(value: Data) -> bool:
    if not isinstance(value, PlainScalar) or value.kind != "boolean":
        raise Misfit(f"true or false is needed here, found {described(value)}")
    return value.text.lower() == "true"


def buildpack(value: Data) -> str:
    found = text(value, "a buildpack")
    try:
        parse_reference(found)
    except ValueError as error:
        raise Misfit(f"{shown(redact(found))} can't be used: {error}") from None
    return found


def _label(kind: type[_Name], name: str) -> _Name:
    try:
        return kind.parse(name)
    except ValueError as error:
        raise Misfit(str(error)) from None


class _Requirement(Label):
    __slots__ = ()
    noun = "name of a service or task"
