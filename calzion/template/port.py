"""A port's name and its number."""

from __future__ import annotations

from calzion.model import Label
from calzion.template.data import Data, PlainScalar, described
from calzion.template.problem import Misfit
from calzion.template.text import text

ASSIGN = "assign"
"""The number is chosen by the backend."""


def port_name(value: Data) -> str:
    try:
        return str(_PortName.parse(text(value, "the name of a port")))
    except Misfit:
        raise
    except ValueError as error:
        raise Misfit(str(error)) from None


def port_number(value: Data) -> int | None:
    """The number, None for `assign`. Raises Misfit."""
    if value == ASSIGN:
        return None
    number = value.whole() if isinstance(value, PlainScalar) else None
    if number is None or not 0 < number < 65536:
        raise Misfit(f"a port is a number from 1 to 65535, or {ASSIGN}; found {described(value)}")
    return number


class _PortName(Label):
    __slots__ = ()
    noun = "name of a port"
