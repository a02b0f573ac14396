"""The files of one template, and where in them its mistakes are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calzion.template.places import Place, Places
from calzion.template.problem import Path, Problem


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    name: str
    places: Places


@dataclass(frozen=True, kw_only=True)
class Location:
    """`order` sorts by file and place."""

    order: tuple[int, int]
    file: str
    place: Place


class Sources:
    """`files` in the order of merging: a later one goes over an earlier one, the last is the template itself."""

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._files = list(files)

    def locate(self, problem: Problem) -> Location:
        number = self._number_of(problem)
        file = self._files[number]
        offset = file.places.offset(problem)
        # The template itself is read first.
        order = (0 if number == len(self._files) - 1 else number + 1, offset)
        return Location(order=order, file=file.name, place=file.places.at(offset))

    def line_of(self, path: Path) -> str:
        """`line 3`, or `line 3 of base.yaml` where that is another file than the template itself."""
        found = self.locate(Problem(sentence="", path=path, on_key=True))
        elsewhere = f" of {found.file}" if found.file != self._files[-1].name else ""
        return f"line {found.place.line}{elsewhere}"

    def _number_of(self, problem: Problem) -> int:
        numbers = range(len(self._files) - 1, -1, -1)
        if problem.file:
            return next(number for number in numbers if self._files[number].name == problem.file)
        path = problem.path
        while path:
            for number in numbers:
                if self._files[number].places.knows(path):
                    return number
            path = path[:-1]
        return len(self._files) - 1
