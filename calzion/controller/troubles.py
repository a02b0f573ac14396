"""What can't be kept running right now, and why: for people who look, gone with the process."""

from __future__ import annotations

import threading

from calzion.errors import CalzionError
from calzion.model import DeploymentName

ENGINE = "engine"
"""Stands for the machine that runs all of them."""


class Troubles:
    """By deployment, or ENGINE; the newest of each. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._errors: dict[str, CalzionError] = {}

    def meet(self, what: DeploymentName | str, error: CalzionError) -> bool:
        """Remember why something can't be; False where just this was known."""
        with self._lock:
            known = self._errors.get(what)
            self._errors[what] = error
        return known is None or known.message != error.message

    def overcome(self, what: DeploymentName | str) -> None:
        """It is as it should be."""
        with self._lock:
            self._errors.pop(what, None)

    def keep(self, names: set[str]) -> None:
        """Forget those of deployments that are no more."""
        with self._lock:
            self._errors = {name: error for name, error in self._errors.items() if name in {*names, ENGINE}}

    def sentences(self) -> list[str]:
        with self._lock:
            return [_sentence(name, error) for name, error in sorted(self._errors.items())]

    def __bool__(self) -> bool:
        return bool(self._errors)


def _sentence(name: str, error: CalzionError) -> str:
    what = error.message if name == ENGINE else f"{name} can't be kept running: {error.message}"
    return f"{what} ({error.hint})" if error.hint else what
