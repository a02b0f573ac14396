"""Which of the allowed spellings was probably meant."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

_MAX_WORD = 40
_CLOSE = 0.6

_HABITS = {
    "environment": "env",
    "command": "cmd",
    "run": "cmd",
    "depends_on": "require",
    "needs": "require",
    "links": "require",
    "variables": "env",
    "stop_signal": "stop",
    "stop_grace_period": "stop",
}
"""Words of other tools, and what Calzion calls the same."""


def nearest(word: str, allowed: Sequence[str]) -> str | None:
    """The allowed spelling nearest to `word`, None where none is near."""
    if not word or len(word) > _MAX_WORD:
        return None
    by_lower = {name.lower(): name for name in allowed}
    habit = _HABITS.get(word.lower())
    if habit in by_lower:
        return by_lower[habit]
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=_CLOSE)
    return by_lower[found[0]] if found else None
