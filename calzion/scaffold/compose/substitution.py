"""`$NAME` and `${NAME:-default}` in a Compose file, by the rules of its specification."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Resolve = Callable[[str, str | None], str]
"""(name, what it stands for or None where nothing says so) -> the text in its place."""

Literal = Callable[[str], str]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]|")
_DEEPEST = 8
_LONGEST = 8192
"""Characters; a longer text is none that refers to anything."""


def substitute(text: str, known: Mapping[str, str], resolve: Resolve, literal: Literal) -> str:
    """`text` with each name replaced by what `resolve` makes of it, and the rest by what `literal` makes of it.

    `known` are the values of `.env`. A default counts where the name is not known. `$$` is a literal `$`.
    """
    return _substitute(text, known, resolve, literal, 0)


def plain(text: str, known: Mapping[str, str]) -> str | None:
    """`text` with every name replaced by its value; None where one is not known."""
    unknown: list[str] = []

    def resolve(name: str, value: str | None) -> str:
        if value is None:
            unknown.append(name)
        return value or ""

    found = substitute(text, known, resolve, str)
    return None if unknown else found


def _substitute(text: str, known: Mapping[str, str], resolve: Resolve, literal: Literal, depth: int) -> str:
    if len(text) > _LONGEST or depth > _DEEPEST:
        return literal(text)
    parts: list[str] = []
    plain_text, rest = "", text
    while rest:
        before, dollar, rest = rest.partition("$")
        plain_text += before
        if rest.startswith("$"):
            plain_text, rest = f"{plain_text}$", rest[1:]
            continue
        found = _reference(rest) if dollar else None
        if found is None:
            # What is no name, or is not closed, means itself.
            plain_text += dollar
            if rest.startswith("{"):
                plain_text, rest = plain_text + rest, ""
            continue
        name, operator, word, rest = found
        parts += [literal(plain_text), resolve(name, _value(name, operator, word, known, depth))]
        plain_text = ""
    return "".join([*parts, literal(plain_text)])


def _reference(rest: str) -> tuple[str, str, str, str] | None:
    """(name, operator, word, what follows) of the reference whose `$` has just been read."""
    match = _NAME.match(rest, 1 if rest.startswith("{") else 0)
    if match is None:
        return None
    if not rest.startswith("{"):
        return match[0], "", "", rest[match.end() :]
    end = _closing(rest, match.end())
    operator = _OPERATOR.match(rest, match.end())
    if end is None or operator is None:
        return None
    return match[0], operator[0], rest[operator.end() : end], rest[end + 1 :]


def _closing(text: str, start: int) -> int | None:
    level = 1
    for index in range(start, len(text)):
        if text[index] == "{" and text[index - 1] == "$":
            level += 1
        elif text[index] == "}":
            level -= 1
            if not level:
                return index
    return None


def _value(name: str, operator: str, word: str, known: Mapping[str, str], depth: int) -> str | None:
    def inner() -> str:
        return _substitute(word, known, lambda _, value: value or "", str, depth + 1)

    value = known.get(name)
    there = value is not None and (bool(value) or not operator.startswith(":"))
    if operator.endswith("+"):
        return inner() if there else ""
    if not there and operator.endswith("-"):
        return inner()
    return value or None
