"""What services and tasks require of each other: it must exist, and must not lead back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from calzion.template.data import Data, shown
from calzion.template.problem import Path, Problem

_MOST_CIRCLES = 10

Required = dict[str, dict[str, Path]]
"""Service or task -> what it requires, and where that is written."""


def required_by(keys: Mapping[str, Data], at: Path) -> dict[str, Path]:
    """What a service or task requires, wherever its `require` is a list of names."""
    items = keys.get("require")
    names = enumerate(items if isinstance(items, list) else ())
    return {item: (*at, "require", index) for index, item in names if isinstance(item, str)}


def requirement_problems(required: Required) -> Iterator[Problem]:
    """Names that nothing has, and circles. Every service and task is a key of `required`."""
    names = tuple(sorted(required))
    for service, others in required.items():
        for other, path in others.items():
            if other == service:
                yield Problem(sentence=f"{shown(service)} requires itself", path=path)
            elif other not in required:
                sentence = f"no service or task is named {shown(other)}"
                yield Problem(sentence=sentence, path=path, word=other, allowed=names)
    yield from _circles(required)


def _circles(required: Required) -> Iterator[Problem]:
    graph = {
        service: [other for other in others if other in required and other != service]
        for service, others in required.items()
    }
    for _ in range(_MOST_CIRCLES):
        try:
            TopologicalSorter(graph).prepare()
            return
        except CycleError as error:
            circle = list(reversed(error.args[1]))
        yield Problem(
            sentence=f"these require each other in a circle: {' -> '.join(circle[:8])}",
            path=required[circle[0]][circle[1]],
        )
        graph[circle[0]].remove(circle[1])
