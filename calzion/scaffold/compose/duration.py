"""Durations of Compose (`1m30s`) as durations of a template."""

from __future__ import annotations

import re

_PART = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)(us|ms|s|m|h)", re.ASCII)
_SECONDS = {"us": 0.000_001, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration(text: str) -> str | None:
    """The same time in seconds, such as `90s`; None where it is no duration."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return f"{sum(float(number) * _SECONDS[unit] for number, unit in parts):g}s"
