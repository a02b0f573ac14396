"""The tables of keys in docs/template.md, made of what stands beside the keys."""

from __future__ import annotations

from collections.abc import Iterator

from calzion.template.meaning import Meaning
from calzion.template.shape import HealthcheckShape, SectionsShape, ServiceShape, Shape, StopShape, TaskShape

_TABLES: tuple[tuple[type[Shape], str], ...] = (
    (ServiceShape, "key"),
    (HealthcheckShape, "key of a health check"),
    (StopShape, "key of `stop`"),
    (SectionsShape, "section"),
    (TaskShape, "key of a task"),
)


def reference_tables() -> tuple[str, ...]:
    """A Markdown table for each kind of map in a template."""
    return tuple("\n".join(_table(shape, head)) for shape, head in _TABLES)


def _table(shape: type[Shape], head: str) -> Iterator[str]:
    rows = [(name, _meaning(shape, name)) for name in shape.model_fields]
    with_default = any(meaning.default for _, meaning in rows)
    yield _row(head, "meaning", *["default"] * with_default)
    yield "|---|---|---|" if with_default else "|---|---|"
    for name, meaning in rows:
        yield _row(f"`{name}`", meaning.text, *[meaning.default] * with_default)


def _row(*cells: str) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


def _meaning(shape: type[Shape], name: str) -> Meaning:
    return next(each for each in shape.model_fields[name].metadata if isinstance(each, Meaning))
