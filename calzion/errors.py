"""The one error users see, and what its code means on the wire and for the shell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LAST_LINES_TITLE = "its last lines:"
"""Stands in an error's `detail` before the last lines of what failed, which end it."""
LONGEST_LINE = 600
"""Characters of each of them that are shown."""


class CalzionError(Exception):
    """A sentence for the user, a next step, and the code that decides statuses.

    `detail` holds what helps to act (problems with places, the last lines of a log); it must be JSON data.
    """

    def __init__(self, message: str, *, hint: str = "", code: str = "failed", detail: Any = None) -> None:
        super().__init__(message)
        if code not in CODES:
            raise ValueError(f"unknown error code: {code}")
        self.message = message
        self.hint = hint
        self.code = code
        self.detail = detail
        self.told = False
        """Whether an event stream has told it already."""

    def __str__(self) -> str:
        return self.message

    def as_dict(self) -> dict[str, Any]:
        """The body of an API error."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "detail": self.detail}

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> CalzionError:
        """Read what `as_dict` wrote, also from a newer server whose code this version does not know."""
        code = body.get("code", "failed")
        return cls(
            str(body.get("message", "the server gave no reason")),
            hint=str(body.get("hint") or ""),
            code=code if code in CODES else "failed",
            detail=body.get("detail"),
        )


def full_disk() -> CalzionError:
    return CalzionError(
        "the disk that holds Calzion's data is full", hint="make room on it, and do the same again"
    )


@dataclass(frozen=True)
class Statuses:
    http: int
    exit: int


WOULD_CHANGE = 10
"""The exit status of a plan that would change something, which is no error."""

CODES: dict[str, Statuses] = {
    "failed": Statuses(500, 1),
    "template": Statuses(422, 1),
    "build": Statuses(422, 1),
    "release": Statuses(422, 1),
    "start": Statuses(422, 1),
    "health": Statuses(422, 1),
    "cancelled": Statuses(409, 1),
    "conflict": Statuses(409, 1),
    "unsupported": Statuses(422, 1),
    "usage": Statuses(400, 2),
    "not_found": Statuses(404, 3),
    "refused": Statuses(403, 4),
    "unreachable": Statuses(503, 5),
}
"""What each code means: the HTTP status of the API, and the exit status of the command."""
