"""Version constraints as Poetry writes them (`^3.8`, `~3.9 || 3.11.*`), in the form of PEP 440. Pure."""

from __future__ import annotations

import re

_ALTERNATIVES = re.compile(r"\s*\|\|?\s*")
_TERM = re.compile(r"(\^|~=|~|===?|!=|<=?|>=?)?\s*v?(\d+(?:\.\d+)*(?:\.(?:\*|x))?|\*)")


def parse_constraint(text: str) -> tuple[str, ...]:
    """The alternatives of a constraint, each a specifier set. Raises ValueError where it is none."""
    return tuple(_alternative(part) for part in _ALTERNATIVES.split(text.strip()))


def _alternative(text: str) -> str:
    terms, position = [], 0
    while position < len(text):
        match = _TERM.match(text, position)
        if not match:
            raise ValueError(f"{text!r} is no version constraint")
        terms += _term(match[1] or "", match[2].replace("x", "*"))
        rest = re.compile(r"[\s,]*").match(text, match.end())
        position = rest.end() if rest else match.end()
    if not terms and text:
        raise ValueError(f"{text!r} is no version constraint")
    return ",".join(term for term in terms if term)


def _term(operator: str, version: str) -> list[str]:
    if version == "*":
        return [""]
    numbers = [int(part) for part in version.split(".") if part != "*"]
    if operator == "^":
        return [f">={version}", f"<{_raised(numbers, _first_meaning(numbers))}"]
    if operator == "~":
        return [f">={version}", f"<{_raised(numbers, min(1, len(numbers) - 1))}"]
    if operator in ("", "==") and len(numbers) < 3 and "*" not in version:
        return [f"=={version}.*"]
    return [f"{operator or '=='}{version}"]


def _first_meaning(numbers: list[int]) -> int:
    """The place of the first number that is not zero: what `^` keeps."""
    return next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)


def _raised(numbers: list[int], place: int) -> str:
    return ".".join(map(str, [*numbers[:place], numbers[place] + 1]))
