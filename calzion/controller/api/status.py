"""Whether every part is up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import falcon

from calzion.controller.api.client import ReconcilerClient
from calzion.controller.api.permission import needs
from calzion.controller.scope import Right
from calzion.errors import CalzionError


@dataclass(frozen=True)
class PartCheck:
    """`problem` returns '' where the part is up, else a sentence."""

    name: str
    problem: Callable[[], str]


class Status:
    def __init__(self, checks: tuple[PartCheck, ...], reconciler: ReconcilerClient) -> None:
        self._checks = checks
        self._reconciler = reconciler

    @needs(Right.ADMIN)
    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        problems = {check.name: check.problem() for check in self._checks}
        parts = [
            {"name": name, "state": "down" if problem else "up", "detail": problem}
            for name, problem in problems.items()
        ]
        response.media = {
            "ok": not any(problems.values()),
            "parts": parts,
            "troubles": self._sentences("troubles"),
            "protections": self._sentences("doctor"),
        }

    def _sentences(self, question: str) -> list[str]:
        try:
            return list(self._reconciler.answer(question))
        except CalzionError as error:
            return [error.message]
