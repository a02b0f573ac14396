"""Reading what a request carries, with limits."""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import falcon
from pydantic import BaseModel, ValidationError

from calzion.errors import CalzionError
from calzion.model import Label

MAX_JSON = 1 << 20
MAX_PLACE = 100

_COMMIT = re.compile("[0-9a-f]{40}")

_Body = TypeVar("_Body", bound=BaseModel)
_Name = TypeVar("_Name", bound=Label)


def json_object(request: falcon.Request, most: int = MAX_JSON) -> dict[str, Any]:
    """The body as a JSON object, {} where there is none. Raises CalzionError (usage)."""
    # `bounded_stream` reads nothing of a chunked body.
    body = request.stream.read(most + 1) if _has_body(request) else b""
    if len(body) > most:
        raise CalzionError(f"the body is larger than {most} bytes", code="usage")
    try:
        data = json.loads(body) if body else {}
    except (ValueError, RecursionError) as error:
        raise CalzionError(f"the body is no JSON: {error}", code="usage") from error
    if not isinstance(data, dict):
        raise CalzionError("the body is no JSON object", code="usage")
    return data


def read(request: falcon.Request, model: type[_Body], most: int = MAX_JSON) -> _Body:
    """The body as the model has it. Raises CalzionError (usage) that names all that does not fit."""
    data = json_object(request, most)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_problem(each["loc"], each["msg"]) for each in error.errors(include_input=False)]
        raise CalzionError(
            f"the body does not fit: {problems[0]}",
            hint="GET /v1/openapi.json describes it",
            code="usage",
            detail=problems,
        ) from None


def _problem(place: tuple[int | str, ...], message: str) -> str:
    where = ".".join(map(str, place)).encode("ascii", "backslashreplace").decode()[:MAX_PLACE]
    return f"{where}: {message}"


def commit(value: str) -> str:
    """A commit's full id, or ''. Raises CalzionError (usage)."""
    if value and not _COMMIT.fullmatch(value):
        raise CalzionError(f"{value[:64]!a} is no full commit id", code="usage")
    return value


def label(kind: type[_Name], value: str) -> _Name:
    """Raises CalzionError (usage) where the path names nothing that could exist."""
    try:
        return kind.parse(value)
    except ValueError as error:
        raise CalzionError(str(error), code="usage") from error


def is_chunked(request: falcon.Request) -> bool:
    return "chunked" in (request.get_header("Transfer-Encoding") or "")


def _has_body(request: falcon.Request) -> bool:
    return bool(request.content_length) or is_chunked(request)
