"""What a template holds, as plain data: the same whether it was written in YAML or came as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

MAX_DEPTH = 32
"""Maps and lists inside each other."""

MAX_NODES = 10_000
"""Keys, values, maps and lists of one template, counted after every alias is expanded."""

Kind = Literal["boolean", "whole number", "number"]

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_NUMBER = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_MAX_DIGITS = 40
_SHOWN = 60


@dataclass(frozen=True)
class PlainScalar:
    """A number or boolean that still knows how it was written: 1.10 stays 1.10."""

    text: str
    kind: Kind

    def whole(self) -> int | None:
        """The whole number, or None where this is none (or one longer than any setting)."""
        if self.kind != "whole number" or len(self.text) > _MAX_DIGITS:
            return None
        return int(self.text, 0) if self.text[:2] in ("0x", "0o") else int(self.text)

    def number(self) -> float | None:
        """The finite number, or None where this is none."""
        whole = self.whole()
        if whole is not None:
            return float(whole)
        if self.kind != "number" or len(self.text) > _MAX_DIGITS or self.text[-1] in "fFnN":
            return None
        return float(self.text)


Data = None | str | PlainScalar | list["Data"] | dict[str, "Data"]


def from_plain(text: str) -> Data:
    """The value of an unquoted YAML scalar by the core schema of YAML 1.2 (section 10.3.2)."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return PlainScalar(text, "boolean")
    if _WHOLE.fullmatch(text):
        return PlainScalar(text, "whole number")
    return PlainScalar(text, "number") if _NUMBER.fullmatch(text) else text


def from_json(value: object, depth: int = 0) -> Data:
    """The same data from what `json.loads` gives. Raises ValueError for what is no JSON, or too deep."""
    if depth > MAX_DEPTH:
        raise ValueError(f"more than {MAX_DEPTH} maps and lists inside each other")
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return PlainScalar("true" if value else "false", "boolean")
    if isinstance(value, int | float):
        return PlainScalar(_digits(value), "whole number" if isinstance(value, int) else "number")
    if isinstance(value, list | tuple):
        return [from_json(item, depth + 1) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: from_json(item, depth + 1) for key, item in value.items()}
    raise ValueError(f"a value of type {type(value).__name__} is no JSON")


def _digits(number: float) -> str:
    if isinstance(number, int):
        if number.bit_length() > 1024:
            raise ValueError("a number is too long")
        return str(number)
    text = repr(number)
    return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(text, text)


def shown(text: str) -> str:
    """`text` quoted for a sentence: short, and without characters that a terminal would act on."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")


def described(value: Data) -> str:
    """What was found, for a sentence."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, PlainScalar):
        text = value.text if len(value.text) <= _SHOWN else value.text[:_SHOWN] + "..."
        return f"the {value.kind} {text}"
    return "a list" if isinstance(value, list) else "a map"
