"""How long a deployment may live: told as `3d`, kept as seconds, and what is said of its end. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from calzion.errors import CalzionError

NEVER = 0
"""Stands for a deployment that stays."""

SHORTEST, LONGEST = 60, 365 * 86_400

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_SPAN = re.compile(r"([0-9]{1,6})([mhdw])")
_LAST_PART, _LAST_DAY = 0.1, 86_400.0


def parse_ttl(text: str) -> int:
    """Seconds, or NEVER. Raises CalzionError (usage) for what is no span from a minute to a year."""
    if text == "never":
        return NEVER
    match = _SPAN.fullmatch(text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not SHORTEST <= seconds <= LONGEST:
        raise CalzionError(
            f"{text[:80]!a} is no time to live",
            hint="give minutes, hours, days or weeks, from 1m to 52w, such as 90m, 12h, 3d or 2w; or 'never'",
            code="usage",
        )
    return seconds


def is_near(expires: float, ttl: int, now: float) -> bool:
    """Whether the end is to stand out: in the last day, or the last tenth of a life that is longer than ten."""
    return expires - now <= max(_LAST_DAY, ttl * _LAST_PART)


def span(seconds: float) -> str:
    """A time to come as people say it, in its largest two units, never more than is left."""
    if seconds < SHORTEST:
        return "less than a minute"
    minutes = int(seconds // 60)
    parts = (("d", minutes // 1440), ("h", minutes // 60 % 24), ("min", minutes % 60))
    largest = next(index for index, (_, count) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for unit, count in parts[largest : largest + 2] if count)


def describe_end(expires: float, now: float) -> str:
    """`removes itself in 3 d (2026-11-28 09:30 UTC)`."""
    moment = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"removes itself in {span(expires - now)} ({moment})"
