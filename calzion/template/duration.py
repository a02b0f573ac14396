"""A time span: seconds, or a number with its unit."""

from __future__ import annotations

import re

from calzion.template.data import Data, PlainScalar, described
from calzion.template.problem import Misfit

DAY = 86_400.0
SHORTEST = 0.1

_WITH_UNIT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration(value: Data) -> float:
    """Seconds, from 0 to a day. Raises Misfit."""
    seconds = _seconds(value)
    if seconds is None:
        raise Misfit(
            f"a time is needed here, found {described(value)}: write seconds (30, 0.5) or 500ms, 30s, 2m, 1h"
        )
    if not 0 <= seconds <= DAY:
        raise Misfit(f"a time from 0 to 24h is needed here, found {described(value)}")
    return seconds


def period(value: Data) -> float:
    """Seconds, long enough to wait for. Raises Misfit."""
    seconds = duration(value)
    if seconds < SHORTEST:
        raise Misfit(f"a time of at least {SHORTEST}s is needed here, found {described(value)}")
    return seconds


def _seconds(value: Data) -> float | None:
    if isinstance(value, PlainScalar):
        return value.number()
    match = _WITH_UNIT.fullmatch(value) if isinstance(value, str) else None
    return float(match[1]) * _SECONDS[match[2]] if match else None
