"""All of Calzion as `calzion serve` runs it, from settings in the environment, but for its reconciler."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from calzion.cli.part import part_environment
from calzion.config import Settings, load
from calzion.supervisor import lock
from calzion.supervisor.command import SUPERVISOR, part_command, variables
from calzion.supervisor.data import prepare
from calzion.supervisor.part import Part
from calzion.supervisor.supervisor import Supervisor, stages

RECONCILER = [sys.executable, "-m", "tests.faults.reconciler"]


class Supervised(Part):
    """One that is killed on purpose, again and again, is not left down for longer and longer."""

    def plan_restart(self) -> float:
        self.failures = 0
        return super().plan_restart()


def main() -> None:
    settings = load({}, os.environ, None, os.getuid())
    backend = prepare(settings, os.environ)
    assert lock.acquire(settings.layout.run / "serve.lock") is not None, "the last one still runs"
    Supervisor(
        layout=settings.layout,
        command=lambda part: command(part, settings),
        environ=part_environment(os.environ, SUPERVISOR, variables(settings)),
        say=lambda line: print(line, flush=True),
        stages=tuple(tuple(map(supervised, stage)) for stage in stages(backend)),
    ).run(announce)


def command(part: Part, settings: Settings) -> list[str]:
    ordinary = part_command(part.name, settings.data, part.outlives, os.environ)
    if part.name != "reconciler":
        return ordinary
    leash = ordinary[: ordinary.index(sys.executable)]
    return [*leash, *RECONCILER]


def supervised(part: Part) -> Part:
    return Supervised(part.name, outlives=part.outlives, kept=part.kept)


def announce(_said: Mapping[str, Any]) -> str:
    return "ready"


if __name__ == "__main__":
    main()
