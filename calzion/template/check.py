"""Data against a shape: the shape's value, or the problems with their paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from calzion.template.data import Data, described, shown
from calzion.template.problem import Misfit, Path, Problem
from calzion.template.shape import Shape

S = TypeVar("S", bound=Shape)


def check(shape: type[S], data: Data, at: Path, context: str | None = None) -> tuple[S | None, list[Problem]]:
    """Validate `data`, which stands at the path `at`. `context` is CLIENT or nothing."""
    try:
        return shape.model_validate(data, context=context), []
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return None, [_problem(shape, data, at, item) for item in found]


def _problem(shape: type[Shape], data: Data, at: Path, error: Mapping[str, Any]) -> Problem:
    path, value, on_key = _walk(data, error["loc"])
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Misfit):
        return cause.at(at + path, on_key=on_key)
    if error["type"] == "extra_forbidden":
        return _unknown(_shape_at(shape, path[:-1]), at + path)
    sentence = _wanted(shape, path, error)
    return Problem(sentence=f"{sentence}; found {described(value)}", path=at + path)


def _walk(data: Data, location: tuple[str | int, ...]) -> tuple[Path, Data, bool]:
    """The part of pydantic's location that the data has: without tags of unions and expanded short forms."""
    path: Path = ()
    for step in location:
        try:
            data = data[step]  # type: ignore[index]
        except (TypeError, LookupError):
            continue
        path = (*path, step)
    return path, data, bool(location) and location[-1] == "[key]"


def _unknown(shape: type[Shape], path: Path) -> Problem:
    word = str(path[-1])
    sentence = f"unknown {shape.noun} {shown(word)}{shape.aside}"
    return Problem(sentence=sentence, path=path, on_key=True, word=word, allowed=tuple(shape.model_fields))


def _shape_at(shape: type[Shape], path: Path) -> type[Shape]:
    """The shape whose keys stand at `path`."""
    return shape.nested.get(str(path[0]), shape) if path else shape


def _wanted(shape: type[Shape], path: Path, error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "model_type" | "model_attributes_type":
            return _shape_at(shape, path).what
        case "dict_type":
            return "a map is needed here"
        case "list_type":
            return "a list is needed here"
        case "missing":
            return f"{_shape_at(shape, path).what}; {shown(str(error['loc'][-1]))} is missing"
        case _:
            return str(error["msg"])
