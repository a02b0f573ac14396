from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.host.wire import (
    check_id,
    check_spec,
    instance_from_json,
    instance_to_json,
    spec_from_json,
    spec_to_json,
)
from calzion.model import (
    DeploymentName,
    Exit,
    Instance,
    InstanceState,
    Limits,
    RunSpec,
    ServiceName,
    Stop,
    Volume,
)

SPEC = RunSpec(
    id="a.1",
    deployment=DeploymentName("demo"),
    service=ServiceName("web"),
    process_type="web",
    release=3,
    command=("run", "it"),
    env={"A": "b"},
    ports={"": 20000},
    address="127.64.0.1",
    volumes=(Volume(name="d", path="/data"),),
    hosts=(("redis", "127.64.0.9"),),
    uid=5,
    stop=Stop(signal="SIGINT", timeout=1.5),
    limits=Limits(memory=1),
)


@pytest.mark.parametrize("spec", [SPEC, replace(SPEC, command="x", slug=Path("/slug"), restart=False)])
def test_orders_travel_whole(spec: RunSpec) -> None:
    assert spec_from_json(json.loads(json.dumps(spec_to_json(spec)))) == spec


def test_instances_travel_whole() -> None:
    instance = Instance(
        id="a",
        deployment="demo",
        service="web",
        process_type="web",
        release=1,
        state=InstanceState.WAITING,
        ports={"": 1},
        exit=Exit(signal="SIGKILL", oom=True),
    )
    assert instance_from_json(json.loads(json.dumps(instance_to_json(instance)))) == instance


def test_an_order_for_root_is_refused_by_root_alone() -> None:
    check_spec(SPEC, root=True)
    check_spec(replace(SPEC, uid=0), root=False)
    with pytest.raises(CalzionError, match="nothing is run as root"):
        check_spec(replace(SPEC, uid=0), root=True)


@pytest.mark.parametrize("path", ["/proc/x", "/usr", "relative", "/data/../etc", "/", "/etc"])
def test_volumes_have_their_places(path: str) -> None:
    with pytest.raises(CalzionError, match="volume"):
        check_spec(replace(SPEC, volumes=(Volume(name="d", path=path),)), root=False)


@pytest.mark.parametrize("name", ["A B", "1A", "A=B", "BASH_FUNC_x%%", "__calzion_env_1", ""])
def test_names_that_a_shell_cannot_export(name: str) -> None:
    with pytest.raises(CalzionError, match="name of a variable"):
        check_spec(replace(SPEC, env={name: "x"}), root=False)


@pytest.mark.parametrize("id_", ["", ".", "..", "a/b", "a\n", "x" * 129, "ä"])
def test_ids_that_are_no_file_names(id_: str) -> None:
    with pytest.raises(CalzionError):
        check_id(id_)


def test_a_missing_slug_is_named() -> None:
    with pytest.raises(CalzionError, match="/nowhere is missing"):
        check_spec(replace(SPEC, slug=Path("/nowhere")), root=False)
