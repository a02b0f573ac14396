"""What the engine is asked for, as whole values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from calzion.backends.docker.order import Bind, Placement, create
from calzion.model import DeploymentName, Limits, RunSpec, ServiceName, Stop

SPEC = RunSpec(
    id="0123",
    deployment=DeploymentName("shop"),
    service=ServiceName("web"),
    process_type="web",
    release=3,
    command="python app.py",
    env={"PORT": "20001"},
    uid=200_001,
    stop=Stop(signal="SIGINT", timeout=2.5),
    limits=Limits(memory=1 << 29, processes=100, cpus=1.5),
)
WHERE = Placement(
    image="sha256:1",
    network="calzion.ab.shop",
    address="10.209.0.2",
    binds=(Bind(source="data", target="/data", volume=True, writable=True),),
    labels={"calzion.instance": "0123"},
    user=200_001,
)


def test_a_process_of_an_app() -> None:
    assert create(SPEC, WHERE) == {
        "Image": "sha256:1",
        "WorkingDir": "/app",
        "Cmd": ["shell", "python app.py"],
        "Env": ["HOME=/app", "LANG=C.UTF-8", "TINI_KILL_PROCESS_GROUP=1", "PORT=20001"],
        "User": "200001:200001",
        "Hostname": "web",
        "Labels": {"calzion.instance": "0123"},
        "StopSignal": "SIGINT",
        "StopTimeout": 3,
        "Tty": False,
        "OpenStdin": False,
        "StdinOnce": False,
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "NetworkingConfig": {
            "EndpointsConfig": {"calzion.ab.shop": {"IPAMConfig": {"IPv4Address": "10.209.0.2"}}}
        },
        "HostConfig": {
            "NetworkMode": "calzion.ab.shop",
            "Mounts": [{"Type": "volume", "Source": "data", "Target": "/data", "ReadOnly": False}],
            "RestartPolicy": {"Name": "unless-stopped"},
            "Init": True,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
            "ShmSize": 256 << 20,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "GroupAdd": ["170001"],
            "ReadonlyRootfs": True,
            "Tmpfs": {"/run": "mode=755,size=64m"},
            "PidsLimit": 100,
            "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}],
            "Memory": 1 << 29,
            "MemorySwap": 1 << 29,
            "NanoCpus": 1_500_000_000,
        },
    }


def test_an_image_of_others_keeps_what_it_comes_with() -> None:
    spec = replace(SPEC, command="", image="sha256:2")
    made = create(spec, replace(WHERE, user=None))
    assert {"Cmd", "Entrypoint", "WorkingDir"}.isdisjoint(made)
    assert made["User"] == ""
    host = made["HostConfig"]
    assert (
        host["CapDrop"] == ["ALL"] and "SYS_ADMIN" not in host["CapAdd"] and "NET_RAW" not in host["CapAdd"]
    )
    assert host["SecurityOpt"] == ["no-new-privileges"] and "ReadonlyRootfs" not in host
    given = create(
        replace(spec, command="serve --fast", entrypoint=("tini", "--")), replace(WHERE, user=None)
    )
    assert (given["Entrypoint"], given["Cmd"]) == (["tini", "--"], ["/bin/sh", "-c", "serve --fast"])


def test_an_appliance_runs_its_own_server_and_gets_its_signal_alone() -> None:
    made = create(replace(SPEC, command="", appliance="redis"), WHERE)
    assert "Cmd" not in made and "TINI_KILL_PROCESS_GROUP=1" not in made["Env"]


def test_what_someone_attends_to_is_never_started_again() -> None:
    made: dict[str, Any] = create(SPEC, WHERE, terminal=True, attached=True)
    assert made["HostConfig"]["RestartPolicy"] == {"Name": "no"}
    assert made["Tty"] and made["OpenStdin"] and made["StdinOnce"]


def test_only_who_may_gets_privileges() -> None:
    host = create(replace(SPEC, privileged=True), WHERE)["HostConfig"]
    assert host["Privileged"] and "CapDrop" not in host
    assert "Privileged" not in create(SPEC, WHERE)["HostConfig"]
