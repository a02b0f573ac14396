"""`${NAME}` in a value is replaced; `$${` is a literal `${`. Everything else is left alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from calzion.model import Pairs
from calzion.template.data import shown

BUILT_IN = ("DEPLOYMENT", "SERVICE")
"""Names that every deployment knows."""

MAX_VALUE = 128_000
"""Bytes of UTF-8: less than what Linux takes for one argument or variable (MAX_ARG_STRLEN, 128 KiB)."""

_SHOWN = 20
_TOKEN = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")


class InterpolationError(ValueError):
    """A value that can't be interpolated, whatever the names mean. `token` is the part at fault."""

    def __init__(self, sentence: str, token: str = "") -> None:
        super().__init__(sentence)
        self.token = token


class UnknownName(KeyError):
    """`${name}` names nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"${{{self.name}}} names nothing"


def references(text: str, *, strict: bool = True) -> list[str]:
    """The names that `text` refers to, once each. A lone `${` raises InterpolationError if `strict`."""
    names = (_name(match) if strict else match[1] for match in _TOKEN.finditer(text))
    return list(dict.fromkeys(name for name in names if name))


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """`text` with every reference replaced. Raises UnknownName; InterpolationError beyond MAX_VALUE bytes."""

    def replace(match: re.Match[str]) -> str:
        name = _name(match)
        if not name:
            return "${"
        if name not in values:
            raise UnknownName(name)
        return values[name]

    _check_size(text, values)
    return _TOKEN.sub(replace, text)


def skeleton(text: str) -> str:
    """`text` with a letter in place of each reference: for checking a grammar before the values are known."""
    return _TOKEN.sub(lambda match: "x" if match[1] else "${", text)


def scope(env: Pairs, *, first: Mapping[str, str], last: Mapping[str, str]) -> dict[str, str]:
    """What names mean: by `first` (secrets over Generate), else the section `Env`, else `last` (built-ins).

    Values of `env` may refer to each other. Raises as `interpolate` does, and InterpolationError in a circle.
    """
    values = {**last, **first}
    texts = {name: text for name, text in env if name not in first}
    for name in texts:
        values.pop(name, None)
    for name in _ordered(texts):
        values[name] = interpolate(texts[name], values)
    return values


def circle(env: Mapping[str, str]) -> list[str]:
    """Names of `env` that refer to each other in a circle, the first again at the end; else empty."""
    graph = {name: [n for n in references(text) if n in env] for name, text in env.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def _ordered(texts: Mapping[str, str]) -> list[str]:
    found = circle(texts)
    if found:
        raise InterpolationError(f"values refer to each other in a circle: {' -> '.join(found)}")
    graph = {name: [n for n in references(text) if n in texts] for name, text in texts.items()}
    return list(TopologicalSorter(graph).static_order())


def _name(match: re.Match[str]) -> str:
    """The name of a reference, '' for an escape."""
    if match[0] == "${":
        token = match.string[match.start() : match.start() + _SHOWN]
        sentence = f"{shown(token)} is no reference: write ${{NAME}}, or $${{ for a literal ${{"
        raise InterpolationError(sentence, token)
    return match[1] or ""


def _check_size(text: str, values: Mapping[str, str]) -> None:
    """Names that double names would fill the memory before any result could be measured."""
    size = len(text.encode())
    for match in _TOKEN.finditer(text):
        size += len(values.get(match[1] or "", "").encode())
        if size > MAX_VALUE:
            raise InterpolationError(f"a value is longer than {MAX_VALUE} bytes")
