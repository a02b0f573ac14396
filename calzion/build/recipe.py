"""The buildpacks of an order: what the template lists, else `.buildpacks`, else the one that fits."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from calzion.build.detect import detect
from calzion.build.remotes import Pinned, Remotes
from calzion.errors import CalzionError
from calzion.model import BuildOrder, SourceTree
from calzion.template.buildpack import Reference, Remote, Shipped, parse_buildpacks


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Buildpacks in order, and which version each remote one has."""

    references: tuple[Reference, ...]
    pinned: Mapping[Remote, Pinned]

    @property
    def shipped(self) -> tuple[str, ...]:
        """The names of those that ship with Calzion."""
        return tuple(each.name for each in self.references if isinstance(each, Shipped))

    @property
    def has_others(self) -> bool:
        """Whether some do not ship with Calzion."""
        return len(self.shipped) < len(self.references)

    def notes(self) -> Iterator[str]:
        """What whoever deploys should know about the choice."""
        for reference in self.references:
            if isinstance(reference, Shipped) and reference.asked:
                yield f"{reference.asked}: Calzion's own {reference.name} buildpack is used"
            if isinstance(reference, Remote) and reference.asked:
                yield f"{reference.asked}: {reference.label} is used"
        yield from (pinned.note for pinned in self.pinned.values() if pinned.note)


class Recipes:
    """Looks once an order, so that its key and its build mean the same versions."""

    def __init__(self, remotes: Remotes) -> None:
        self._remotes = remotes
        self._lock = threading.Lock()
        self._known: WeakKeyDictionary[BuildOrder, Recipe] = WeakKeyDictionary()

    def of(self, order: BuildOrder) -> Recipe:
        """Raises CalzionError (build)."""
        with self._lock:
            known = self._known.get(order)
        if known is None:
            known = self._look(order)
            with self._lock:
                known = self._known.setdefault(order, known)
        return known

    def _look(self, order: BuildOrder) -> Recipe:
        references = _references(order)
        remotes = [reference for reference in references if isinstance(reference, Remote)]
        return Recipe(references=references, pinned=self._remotes.pin(remotes))


def read_source(source: SourceTree, path: str) -> bytes | None:
    """Raises CalzionError (build) for what is too large."""
    try:
        return source.read(path)
    except ValueError as error:
        raise CalzionError(f"{path} is too large to be read", code="build") from error


def _references(order: BuildOrder) -> tuple[Reference, ...]:
    if order.buildpacks is not None:
        return parse_buildpacks(order.buildpacks, "buildpacks")
    try:
        found = detect(order.source.names(), lambda path: read_source(order.source, path))
    except CalzionError as error:
        message = f"{order.service}: {error.message}"
        raise CalzionError(message, hint=error.hint, code=error.code, detail=error.detail) from None
    return parse_buildpacks(found, ".buildpacks")
