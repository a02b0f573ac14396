"""Whose change it is, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from calzion.progress import Event

Listener = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Whose change this is. `repository` is set where a push makes it.

    `data_from` and `ttl` are what its release says of where data comes from, and how long the deployment lives.
    """

    user: str
    repository: str | None = None
    commit: str = ""
    data_from: str = ""
    ttl: int | None = None

    @property
    def holder(self) -> str:
        act = "push" if self.repository else "deploy"
        what = f"{act} of {self.commit[:7]}" if self.commit else "change"
        return f"{self.user}'s {what}"
