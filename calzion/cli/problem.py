"""How the terminal shows an error."""

from __future__ import annotations

from calzion.errors import CalzionError
from calzion.progress import ERROR, Event, as_text


def problem_lines(error: CalzionError) -> list[str]:
    """The message, what it is about in detail, and the next step."""
    return as_text(Event(kind=ERROR, text=error.message, detail=error.as_dict()))
