"""Keeps something in a registry elsewhere as it is wanted, through everything that can happen to the registry."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod

from calzion.errors import CalzionError

_log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds between two attempts while the registry is away."""


class Keeper(ABC):
    """What is wanted may be said from any thread; the registry is used by `run` alone, or else by `step`."""

    def __init__(self, interval: float) -> None:
        """`interval` is seconds after which the registry is looked at though nothing else is wanted."""
        self._interval = interval
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self.trouble = ""
        """Why the registry is not what it should be, '' where it is."""

    @abstractmethod
    def bring(self) -> None:
        """One attempt. Raises CalzionError where it did not go through."""

    def run(self) -> None:
        """Until `stop`."""
        while not self._stopping.is_set():
            self._changed.wait(PATIENCE if self.trouble else self._interval)
            self._changed.clear()
            self.step()
            if self.trouble:
                self._stopping.wait(PATIENCE / 4)

    def stop(self) -> None:
        self._stopping.set()
        self._changed.set()

    def step(self) -> None:
        """One attempt. `trouble` says whether it did not go through."""
        try:
            self.bring()
        except CalzionError as error:
            self._meet(error)
        else:
            self._overcome()

    def _meet(self, error: CalzionError) -> None:
        said = f"{error.message} ({error.hint})" if error.hint else error.message
        if said != self.trouble:
            _log.warning("%s", said)
        self.trouble = said

    def _overcome(self) -> None:
        if self.trouble:
            _log.info("the registry is what it should be again")
        self.trouble = ""
