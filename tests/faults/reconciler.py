"""The reconciler as `calzion serve` runs it, with a tripwire before every step that it does outside of its memory."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from calzion import wiring
from calzion.cli.part import ready_on
from calzion.config import load
from calzion.controller.parts import Parts
from calzion.controller.store.database import Database
from calzion.supervisor.command import READY_VARIABLE
from tests.faults.tripwire import VARIABLE, Control, Tripwire, Wired

BACKEND = ("ensure", "stop", "forget", "run", "remove_volumes", "remove_deployment")


class WiredDatabase(Database):
    """A commit is a step, and what comes before it in its transaction is lost with it."""

    def __init__(self, url: str, wire: Tripwire) -> None:
        super().__init__(url)
        self._wire = wire

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as connection:
            yield connection
            try:
                self._wire.arrive("store.commit")
            except OSError as error:
                full = sqlite3.OperationalError("database or disk is full")
                raise OperationalError("COMMIT", (), full) from error


def wired(parts: Parts, url: str, wire: Tripwire) -> Parts:
    def before(inner: Any, name: str, *steps: str, **idle: Any) -> Any:
        return Wired(inner, wire, name, *steps, **idle)

    def unknown(method: str, arguments: tuple[Any, ...]) -> bool:
        return method == "retire" and arguments[0] not in parts.router.pools

    return replace(
        parts,
        database=WiredDatabase(url, wire),
        backend=before(parts.backend, "backend", *BACKEND),
        router=before(parts.router, "router", "apply", "retire", idle=unknown),
        builder=before(parts.builder, "builder", "build", "prune"),
        stories=before(parts.stories, "stories", "write", "forget", "prune"),
    )


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    ready = ready_on(os.environ.pop(READY_VARIABLE))
    settings = load({}, os.environ, None, os.getuid())
    wire = Tripwire(Control(Path(os.environ[VARIABLE])), settings.data)
    parts = wiring.reconciler_parts(settings, os.environ)
    wiring.run_reconciler(settings, ready, wired(parts, settings.store, wire))


if __name__ == "__main__":
    main()
