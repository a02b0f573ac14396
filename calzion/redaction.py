"""Values that must not be seen, in what programs say: each is replaced by its name in brackets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from calzion.errors import CalzionError

SHORTEST = 6
"""Characters: shorter values are left alone, for they stand in ordinary words."""


class Mask:
    """Hides these values by name: whole, a line of several alone, and as they stand in a URL."""

    def __init__(self, values: Mapping[str, str], more: Iterable[tuple[str, str]] = ()) -> None:
        """`more` are further values by name, of which one name may have several."""
        pairs = [*values.items(), *more]
        self._names = {form: f"[{name}]" for name, value in pairs for form in _forms(value)}
        longest_first = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        return self._pattern.sub(lambda match: self._names[match[0]], text) if self._pattern else text

    def data(self, data: Any) -> Any:
        """JSON data, with the values hidden in all its texts."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, list | tuple):
            return [self.data(each) for each in data]
        if isinstance(data, dict):
            return {name: self.data(value) for name, value in data.items()}
        return data

    def error(self, error: CalzionError) -> None:
        """Hide them in the error itself."""
        error.message, error.hint = self.text(error.message), self.text(error.hint)
        error.detail = self.data(error.detail)
        error.args = (error.message,)


def _forms(value: str) -> Iterator[str]:
    for line in {value, *value.splitlines()}:
        if len(line.strip()) >= SHORTEST:
            yield line.strip()
            yield quote(line.strip(), safe="")
