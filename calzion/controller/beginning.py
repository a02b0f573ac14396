"""What a new deployment begins with, in step with the rollout of its first release."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from sqlalchemy import Connection

from calzion.controller.surroundings import Surroundings
from calzion.model import Cancellation, Task
from calzion.progress import Story


class Beginning(Protocol):
    """The steps are called in this order; `undo` instead of the last two where the release fails."""

    def announce(self, wanted: Iterable[Task]) -> None:
        """Say what it is, before anything is built or changed. `wanted` are the tasks that will run."""

    def fill(self) -> None:
        """Give the volumes what must lie in them before a server starts. Raises CalzionError (release)."""

    def restore(self) -> None:
        """Give the servers that run by now what they take over their connections. Raises CalzionError (release)."""

    def keep(self, connection: Connection) -> None:
        """In the transaction of the switch: from now on it is the deployment's own."""

    def settle(self) -> None:
        """What follows from the switch. Raises nothing."""

    def undo(self) -> None:
        """Remove it all."""


Begin = Callable[[Surroundings, Story, Cancellation], Beginning]
