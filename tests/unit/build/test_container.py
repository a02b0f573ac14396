"""What an engine is asked for, as a whole value."""

from docker.types import Mount

from calzion.build.container import container_options, host_options
from calzion.build.limits import BuildLimits


def test_a_container_of_a_build():
    options = container_options(
        "sha256:1", ["/bin/bash", "x", "y"], {"A": "b"}, user="1:2", labels={"calzion.kind": "build"}
    )
    assert options == {
        "image": "sha256:1",
        "entrypoint": ["/bin/bash"],
        "command": ["x", "y"],
        "environment": {"A": "b"},
        "user": "1:2",
        "labels": {"calzion.kind": "build"},
        "hostname": "build",
        "working_dir": "/",
    }


def test_it_has_no_privileges_and_limits():
    mount = Mount(type="bind", source="/data/app", target="/app")
    options = host_options(BuildLimits(memory=1 << 30, timeout=9), [mount], "builds", read_only=True)
    wanted = {
        "mounts": [mount],
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "mem_limit": 1 << 30,
        "memswap_limit": 1 << 30,
        "pids_limit": 2048,
        "network_mode": "builds",
    }
    assert {name: options[name] for name in wanted} == wanted
    assert not {"privileged", "cap_add", "binds", "devices", "pid_mode", "ipc_mode"} & set(options)
