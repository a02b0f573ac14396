"""What an engine is asked for to run a build in a container. Pure but for what the arguments name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from docker.types import LogConfig, Mount, Ulimit

from calzion.build.limits import FILE_SIZE, PROCESSES, BuildLimits

SHARED_MEMORY = 256 << 20
SHARES = 512
"""Of 1024 that every service has: where processors are short, what serves goes before what is built."""


def container_options(
    image: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    user: str,
    labels: Mapping[str, str],
) -> dict[str, Any]:
    """The keyword arguments of docker-py's `create_container`, without the host's part."""
    return {
        "image": image,
        "entrypoint": [command[0]],
        "command": list(command[1:]),
        "environment": dict(environment),
        "user": user,
        "labels": dict(labels),
        "hostname": "build",
        "working_dir": "/",
    }


def host_options(
    limits: BuildLimits, mounts: Iterable[Mount], network: str, *, read_only: bool
) -> dict[str, Any]:
    """Those of `create_host_config`: no privileges, limits, nothing of the machine but the mounts.

    Where it is not `read_only` the build may add to the container's own /, which ends with it.
    """
    return {
        "mounts": list(mounts),
        "read_only": read_only,
        "tmpfs": {"/run": "mode=755", "/var/tmp": "mode=1777"},
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "mem_limit": limits.memory,
        "memswap_limit": limits.memory,
        "shm_size": SHARED_MEMORY,
        "pids_limit": PROCESSES,
        "cpu_shares": SHARES,
        "ulimits": [
            Ulimit(name="fsize", soft=FILE_SIZE, hard=FILE_SIZE),
            Ulimit(name="core", soft=0, hard=0),
        ],
        "network_mode": network,
        "log_config": LogConfig(type="none"),
    }
