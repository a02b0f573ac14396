"""The API's description (OpenAPI 3.1): of the routes, of what endpoints declare, and of the bodies' models."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import falcon
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import calzion
from calzion.controller.api.permission import Need, declared, needs
from calzion.controller.scope import Right
from calzion.errors import CODES

Schema = dict[str, Any]

_PARAMETER = re.compile(r"{(\w+)(:int)?}")
_REFERENCE = "#/components/schemas/{model}"
_ERROR: Schema = {
    "type": "object",
    "required": ["code", "message", "hint", "detail"],
    "properties": {
        "code": {"type": "string", "enum": list(CODES)},
        "message": {"type": "string"},
        "hint": {"type": "string"},
        "detail": {},
    },
}


class Description:
    """`made` gives the document; it is asked once, when somebody wants it."""

    def __init__(self, made: Callable[[], Schema]) -> None:
        self._make = made
        self._made: Schema | None = None

    @needs(Right.NONE)
    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        """This document."""
        self._made = self._made or self._make()
        response.media = self._made


def describe(routes: Mapping[str, object]) -> Schema:
    """The document of what answers at each path."""
    paths = {_PARAMETER.sub(r"{\1}", path): _path(path, resource) for path, resource in routes.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Calzion", "version": calzion.__version__, "license": {"name": "MIT"}},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {**_schemas(routes), "Error": _ERROR},
        },
    }


def _path(path: str, resource: object) -> Schema:
    found = {
        method.lower(): _operation(path, method, need, getattr(resource, f"on_{method.lower()}"))
        for method, need in declared(resource).items()
        if need
    }
    parameters = [_parameter(name, bool(number)) for name, number in _PARAMETER.findall(path)]
    return {**({"parameters": parameters} if parameters else {}), **found}


def _parameter(name: str, number: bool) -> Schema:
    schema = {"type": "integer", "minimum": 1} if number else {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _operation(path: str, method: str, need: Need, responder: object) -> Schema:
    words = re.findall(r"\w+", _PARAMETER.sub(r"\1", path.removeprefix("/v1/")))
    query = [{"name": name, "in": "query", "schema": {"type": kind}} for name, kind in need.query.items()]
    text = inspect.getdoc(responder)
    return {
        "operationId": "_".join((method.lower(), *words)),
        **({"description": text} if text else {}),
        "x-scope": str(need.right),
        **({"parameters": query} if query else {}),
        **({"requestBody": _body(need)} if need.takes else {}),
        "responses": _responses(need),
    }


def _body(need: Need) -> Schema:
    content: Schema = {}
    for each in need.takes:
        if isinstance(each, str):
            content[each] = {"schema": {}}
        else:
            content["application/json"] = {"schema": {"$ref": _REFERENCE.format(model=each.__name__)}}
    models = [each for each in need.takes if not isinstance(each, str)]
    may_be_empty = len(models) == len(need.takes) and not any(_required(model) for model in models)
    return {"required": not may_be_empty, "content": content}


def _required(model: type[BaseModel]) -> bool:
    return any(field.is_required() for field in model.model_fields.values())


def _responses(need: Need) -> Schema:
    done = {
        "description": "done; what takes time is a stream of events, of which Accept: application/json gets the last",
        "content": {"application/json": {}, "text/event-stream": {}},
    }
    upgraded = {"101": {"description": f"the connection speaks {need.upgrade} from now on"}}
    answers = upgraded if need.upgrade else {"2XX": done}
    error = {"$ref": _REFERENCE.format(model="Error")}
    return {
        **answers,
        "default": {"description": "refused", "content": {"application/json": {"schema": error}}},
    }


def _schemas(routes: Mapping[str, object]) -> Schema:
    wanted: dict[str, type[BaseModel]] = {}
    for resource in routes.values():
        for need in filter(None, declared(resource).values()):
            wanted |= {each.__name__: each for each in need.takes if not isinstance(each, str)}
    inputs = [(model, "validation") for model in wanted.values()]
    _, made = models_json_schema(inputs, ref_template=_REFERENCE)  # type: ignore[arg-type]
    return {name: _without_defaults(schema) for name, schema in made["$defs"].items()}


def _without_defaults(schema: Any) -> Any:
    """Without defaults, which say how Calzion stores what is not there, and often could not be given."""
    if isinstance(schema, list):
        return [_without_defaults(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: _without_defaults(value) for key, value in schema.items() if key not in ("default", "properties")
    }
    if "properties" in schema:
        found["properties"] = {name: _without_defaults(each) for name, each in schema["properties"].items()}
    return found
