"""The text of a Compose file -> plain data, merge keys resolved; within the limits that templates have."""

from __future__ import annotations

from calzion.errors import CalzionError
from calzion.template.data import Data, PlainScalar
from calzion.template.document import decode, read_document
from calzion.template.places import Places
from calzion.template.problem import Problem, Unreadable
from calzion.template.report import template_error
from calzion.template.sources import SourceFile, Sources

_MERGE = "<<"


def read_compose(content: bytes, file: str) -> dict[str, Data]:
    """The file's map. Raises CalzionError (usage) with every mistake and its place."""
    places = Places(content.decode("utf-8-sig", "replace"))
    try:
        document = read_document(decode(content), merge_keys=True)
    except Unreadable as error:
        raise _error(file, [error.problem], places) from None
    if document.problems:
        raise _error(file, list(document.problems), places)
    data = merged(document.data)
    if not isinstance(data, dict):
        raise _error(
            file, [Problem(sentence="a Compose file is a map with the key 'services'", offset=0)], places
        )
    return data


def merged(data: Data) -> Data:
    """`data` with each map's merge key replaced by the keys that it brings; the map's own go before."""
    if isinstance(data, list):
        return [merged(item) for item in data]
    if not isinstance(data, dict):
        return data
    own = {key: merged(value) for key, value in data.items() if key != _MERGE}
    brought = merged(data.get(_MERGE))
    found: dict[str, Data] = {}
    for source in reversed(brought) if isinstance(brought, list) else [brought]:
        found |= source if isinstance(source, dict) else {}
    return {**found, **own}


def scalar(data: Data) -> str | None:
    """The text of a scalar as it was written, None for anything else."""
    if isinstance(data, PlainScalar):
        return data.text
    return data if isinstance(data, str) else None


def scalars(data: Data) -> list[str]:
    """The texts of a list, or the one text."""
    items = data if isinstance(data, list) else [data]
    return [text for item in items if (text := scalar(item)) is not None]


def _error(file: str, problems: list[Problem], places: Places) -> CalzionError:
    error = template_error(file, problems, Sources([SourceFile(name=file, places=places)]))
    return CalzionError(
        error.message, code="usage", detail=error.detail, hint="mend it, or leave it out: --no-compose"
    )
