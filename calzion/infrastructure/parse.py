"""infrastructure.yaml -> Declaration; all mistakes at once, each with its place."""

from __future__ import annotations

from calzion.infrastructure.declaration import Declaration
from calzion.model import Limits
from calzion.template.data import Data
from calzion.template.document import decode, read_document
from calzion.template.places import Places
from calzion.template.problem import Problem, Unreadable
from calzion.template.report import template_error
from calzion.template.sources import SourceFile, Sources

_HINT = "The sections of an infrastructure file are described in docs/infrastructure.md."


def parse_infrastructure(text: bytes, file: str = "infrastructure.yaml") -> Declaration:
    """Raises CalzionError (template) whose detail lists every mistake as `FILE:LINE:COLUMN: sentence`."""
    from calzion.infrastructure.shape import InfrastructureShape  # loads pydantic
    from calzion.template.check import check

    places, problems, data = _read(text)
    shape = None
    if not problems or data is not None:
        found: Data = {} if data is None else data
        shape, mistakes = check(InfrastructureShape, found, ())
        problems += mistakes
    if problems or shape is None:
        sources = Sources([SourceFile(name=file, places=places)])
        raise template_error(file, problems, sources, hint=_HINT)
    limits = {
        name: {
            unit: Limits(memory=each.memory, cpus=each.cpus, processes=each.pids)
            for unit, each in bounds.items()
        }
        for name, bounds in shape.Limits.items()
    }
    return Declaration(scale=shape.Scale, limits=limits)


def _read(text: bytes) -> tuple[Places, list[Problem], Data]:
    places = Places("")
    try:
        decoded = decode(text)
        places = Places(decoded)
        document = read_document(decoded)
    except Unreadable as error:
        return places if places.text else Places(text.decode("utf-8-sig", "replace")), [error.problem], None
    return document.places, list(document.problems), document.data
