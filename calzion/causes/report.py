"""The error of a failed phase: service, phase, how it ended, the cause, and the last lines."""

from __future__ import annotations

from collections.abc import Sequence

from calzion.causes.facts import Facts
from calzion.causes.find import find_cause
from calzion.errors import CalzionError

LAST_LINES = 30
LINES_TO_SEARCH = 200
"""How many of the last lines a cause is looked for in: what they end with is often a long trace."""

_LONGEST = 600


def failed(
    facts: Facts,
    message: str,
    *,
    hint: str = "",
    about: Sequence[str] = (),
    shown: Sequence[str] | None = None,
) -> CalzionError:
    """`message` says who failed and how; the cause, where one is known, continues it and brings the hint.

    `about` are facts to show before the last lines; `shown` are other lines in the place of the last ones.
    """
    cause = find_cause(facts)
    lines = list(shown) if shown is not None else last_lines(facts.lines)
    return CalzionError(
        f"{message}: {cause.sentence}" if cause else message,
        hint=cause.hint if cause else hint,
        code=facts.phase.value,
        detail=[*about, *(lines or ["it wrote nothing"])],
    )


def last_lines(lines: Sequence[str]) -> list[str]:
    return [line[:_LONGEST] for line in lines if line.strip()][-LAST_LINES:]
