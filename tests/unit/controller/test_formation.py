from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from calzion.controller.formation import app_processes
from calzion.errors import CalzionError
from calzion.model import Healthcheck, Port, ServiceDefinition, ServiceName

APP = ServiceDefinition(name=ServiceName("app"), git=".")
WEB, WORKER, CONSOLE, RELEASE = (("web", "w"), ("worker", "k"), ("console", "c"), ("release", "r"))


def app(**keys: Any) -> ServiceDefinition:
    return replace(APP, **keys)


@pytest.mark.parametrize(
    ("definition", "types", "running"),
    [
        (APP, (WEB, WORKER, CONSOLE, RELEASE), {"web": True, "worker": False, "console": False}),
        (app(processes=("web",)), (WEB, CONSOLE), {"web": True}),
        (APP, (WORKER, CONSOLE), {"worker": False, "console": False}),
        (app(processes=("console",), healthcheck=Healthcheck(path="/")), (WEB, CONSOLE), {"console": True}),
        (app(cmd="x"), (RELEASE,), {"web": True}),
        (app(ports=()), (WEB,), {"web": False}),
        (app(ports=(Port(name="http"), Port(name="metrics"))), (WEB, WORKER), {"web": True, "worker": False}),
    ],
)
def test_which_processes_run_and_which_one_gets_the_traffic(
    definition: ServiceDefinition, types: tuple[tuple[str, str], ...], running: dict[str, bool]
) -> None:
    assert {each.type: each.routed for each in app_processes(definition, types, {})} == running


@pytest.mark.parametrize(
    ("definition", "types", "words"),
    [
        (app(processes=("web", "cron")), (WEB, CONSOLE), "'cron'"),
        (APP, (RELEASE,), "no process to run"),
        (APP, (), "no process to run"),
    ],
)
def test_what_cannot_run(
    definition: ServiceDefinition, types: tuple[tuple[str, str], ...], words: str
) -> None:
    with pytest.raises(CalzionError, match=words):
        app_processes(definition, types, {})
