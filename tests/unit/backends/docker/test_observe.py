from __future__ import annotations

from typing import Any

import pytest

from calzion.backends.docker.labels import instance_labels
from calzion.backends.docker.observe import exit_of_code, instance_of, seconds
from calzion.model import DeploymentName, Exit, InstanceState, RunSpec, ServiceName

SPEC = RunSpec(
    id="0123",
    deployment=DeploymentName("shop"),
    service=ServiceName("web"),
    process_type="worker",
    release=3,
    ports={"": 20001, "admin": 9000},
    labels=(("team", "blue"), ("calzion.instance", "forged")),
)


def container(status: str = "running", **state: Any) -> dict[str, Any]:
    return {
        "Config": {"Labels": instance_labels("ab", SPEC)},
        "RestartCount": 2,
        "NetworkSettings": {"Networks": {"calzion.ab.shop": {"IPAddress": "10.209.0.2"}}},
        "State": {
            "Status": status,
            "Running": status in ("running", "paused", "restarting"),
            "Restarting": status == "restarting",
            "Paused": status == "paused",
            "Pid": 77,
            "ExitCode": 0,
            "OOMKilled": False,
            "StartedAt": "2026-11-25T02:00:00.5Z",
            **state,
        },
    }


def test_labels_tell_whose_it_is_and_a_template_can_not_forge_them() -> None:
    seen = instance_of(container())
    assert (seen.id, seen.deployment, seen.service, seen.process_type) == ("0123", "shop", "web", "worker")
    assert (seen.release, seen.ports, seen.restarts) == (3, {"": 20001, "admin": 9000}, 2)
    assert instance_labels("ab", SPEC)["team"] == "blue"


def test_a_running_one() -> None:
    seen = instance_of(container(), memory=5)
    assert (seen.state, seen.pid, seen.address, seen.memory) == (InstanceState.RUNNING, 77, "10.209.0.2", 5)
    assert seen.exit is None and not seen.needs_spec
    assert seen.started == seconds("2026-11-25T02:00:00.500000000Z") > 0


@pytest.mark.parametrize(
    ("status", "state", "disturbed"),
    [
        ("restarting", InstanceState.WAITING, False),
        ("exited", InstanceState.EXITED, True),
        ("created", InstanceState.STARTING, True),
        ("paused", InstanceState.RUNNING, True),
    ],
)
def test_other_states(status: str, state: InstanceState, disturbed: bool) -> None:
    seen = instance_of(container(status, ExitCode=3))
    assert (seen.state, seen.needs_spec) == (state, disturbed)
    assert seen.exit == (Exit(status=3) if status in ("restarting", "exited") else None)


def test_one_that_was_cut_off_wants_to_be_made_anew() -> None:
    cut = {**container(), "NetworkSettings": {"Networks": {}}}
    assert instance_of(cut).needs_spec and instance_of(cut).address == ""


@pytest.mark.parametrize(
    ("code", "exit_"),
    [
        (0, Exit(status=0)),
        (127, Exit(status=127)),
        (137, Exit(signal="SIGKILL")),
        (143, Exit(signal="SIGTERM")),
        (255, Exit(status=255)),
    ],
)
def test_how_it_ended(code: int, exit_: Exit) -> None:
    assert exit_of_code(code) == exit_


def test_never_is_no_time() -> None:
    assert seconds("0001-01-01T00:00:00Z") == 0.0
