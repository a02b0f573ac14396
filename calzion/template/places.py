"""Where each value of a template stands in its text."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property

from calzion.template.problem import Path, Problem

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True)
class Place:
    """Line and column, both counted in characters from 1."""

    line: int
    column: int


@dataclass
class Places:
    """The offsets of keys and values by their path. What an alias stands for has the alias's place."""

    text: str
    _keys: dict[Path, int] = field(default_factory=dict)
    _values: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def note_key(self, path: Path, start: int) -> None:
        self._keys.setdefault(path, start)

    def note_value(self, path: Path, start: int, end: int) -> None:
        self._values.setdefault(path, (start, end))

    def knows(self, path: Path) -> bool:
        """Whether a key or value stands at exactly this path."""
        return path in self._keys or path in self._values

    def key(self, path: Path) -> int:
        """Where the key at the end of `path` begins; else where the nearest value around it does."""
        return self._keys[path] if path in self._keys else self._value(path)[0]

    def offset(self, problem: Problem) -> int:
        """Where the problem is, as exactly as is known."""
        if problem.offset is not None:
            return problem.offset
        if problem.on_key:
            return self.key(problem.path)
        start, end = self._value(problem.path)
        found = self.text.find(problem.token, start, end) if problem.token else start
        return start if found < 0 else found

    def at(self, offset: int) -> Place:
        line = bisect_right(self._line_starts, offset)
        return Place(line, offset - self._line_starts[line - 1] + 1)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in _BREAK.finditer(self.text))]

    def _value(self, path: Path) -> tuple[int, int]:
        while path and path not in self._values:
            path = path[:-1]
        return self._values.get(path, (0, 0))
