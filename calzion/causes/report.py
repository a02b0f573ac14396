"""The error of a failed phase: service, phase, how it ended, the cause, and the last lines."""

from __future__ import annotations

from collections.abc import Sequence

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts
from calzion.causes.find import find_cause
from calzion.errors import LAST_LINES_TITLE, LONGEST_LINE, CalzionError

LAST_LINES = 30
LINES_TO_SEARCH = 200
"""How many of the last lines a cause is looked for in: what they end with is often a long trace."""

_SILENT = "it wrote nothing"


def failed(
    facts: Facts,
    message: str,
    *,
    otherwise: str = "",
    hint: str = "",
    about: Sequence[str] = (),
    shown: Sequence[str] | None = None,
) -> CalzionError:
    """`message` says who failed and how; the cause, where one is known, continues it and brings the hint.

    `otherwise` and `hint` stand in its place where none is known. `about` are facts to show before the last lines;
    `shown` are other lines in the place of the last ones.
    """
    cause = find_cause(facts)
    why = cause.sentence if cause else otherwise
    lines = _last_lines(facts.lines) if shown is None else list(shown)
    return CalzionError(
        f"{message}: {why}" if why else message,
        hint=(cause.hint if cause else "") or hint,
        code=facts.phase.value,
        detail=[*about, *_told_before(cause, lines), *lines],
    )


def _told_before(cause: Cause | None, lines: Sequence[str]) -> list[str]:
    """What the cause was read from, where it is not among the lines that are shown."""
    if not cause or not cause.line or any(cause.line in line for line in lines):
        return []
    return [f"it said: {cause.line.strip()}"]


def _last_lines(lines: Sequence[str]) -> list[str]:
    last = [line[:LONGEST_LINE] for line in lines if line.strip()][-LAST_LINES:]
    return [LAST_LINES_TITLE, *last] if last else [_SILENT]
