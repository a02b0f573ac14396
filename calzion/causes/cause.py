"""What a failure comes from, and what its owner can do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """`sentence` continues the message of an error; `hint` is the next step, in Calzion's terms.

    `line` is what told it, where that was a line of the output.
    """

    sentence: str
    hint: str
    line: str = ""
