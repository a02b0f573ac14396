"""Names of other tools as names that Calzion takes."""

from __future__ import annotations

import re
from collections.abc import Collection

_LONGEST = 63


def label(text: str, otherwise: str = "app") -> str:
    """The nearest DNS label (a-z, 0-9, `-` inside); `otherwise` where nothing is left of `text`."""
    found = re.sub(r"[^a-z0-9]+", "-", text.lower())[:_LONGEST].strip("-")
    return found or otherwise


def variable(text: str) -> str:
    """The nearest name of a variable, in capitals."""
    found = re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")
    return f"_{found}" if not found or found[0].isdigit() else found


def free(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, or with the first number behind it that is not taken."""
    number, found = 2, wanted
    while found in taken:
        found, number = f"{wanted[: _LONGEST - 4]}-{number}", number + 1
    return found
