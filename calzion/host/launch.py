"""The command line and the environment that start one instance. Pure."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from calzion.host.appliance import Appliance
from calzion.host.cgroup import Cgroup
from calzion.host.directory import InstanceDirectory
from calzion.host.facilities import LAUNCH, SAFE_ENVIRONMENT, Facilities, namespace_arguments
from calzion.host.sandbox import (
    APP,
    BUILD_GID,
    RUNTIMES,
    SEAL,
    Identity,
    Mount,
    base_arguments,
    drop_privileges,
    mount_arguments,
    user_namespace,
)
from calzion.model import Command, Limits, RunSpec

_RUN = Mount(source=Path(__file__).resolve().parent / "run.sh", target=f"{RUNTIMES}/run.sh")
_VARIABLE = "__calzion_env_"


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Everything that decides how an instance is started. `mounts` are its volumes and runtimes.

    `terminal`: its standard input is a terminal, which is to be the controlling one of its processes.
    """

    spec: RunSpec
    directory: InstanceDirectory
    facilities: Facilities
    identity: Identity
    uid: int
    mounts: Sequence[Mount] = ()
    cgroup: Cgroup | None = None
    appliance: Appliance | None = None
    terminal: bool = False
    status_fd: int

    def arguments(self) -> list[str]:
        """The chain of programs: namespace, /app and control groups, limits, sandbox, user, command."""
        return [
            *namespace_arguments(self.facilities.layers),
            *self._prepare(),
            *limit_arguments(self.spec.limits, memory=self.cgroup is None),
            *self._sandbox(),
            *(("/usr/bin/setsid", "--ctty", "--") if self.terminal else ()),
            *run_arguments(self.facilities.root, self.uid, self.command()),
        ]

    def command(self) -> Command:
        if self.appliance and not self.spec.command:
            return self.appliance.command(self.spec.address)
        return self.spec.command

    def environment(self) -> dict[str, str]:
        path = self.facilities.machine.path
        return environment(self.spec, f"{self.appliance.path}:{path}" if self.appliance else path)

    def _prepare(self) -> list[str]:
        layers = self.facilities.layers if self.spec.slug else "empty"
        directory = self.directory
        paths = (self.spec.slug or directory.app, directory.upper, directory.work, directory.app)
        entrances = self.cgroup.entrances if self.cgroup else ()
        return ["sh", str(LAUNCH), layers, *map(str, paths), *map(str, entrances), "--"]

    def _sandbox(self) -> list[str]:
        user = [] if self.facilities.root else user_namespace(self.uid, self.uid)
        own = (
            Mount(source=self.directory.tmp, target="/tmp", writable=True),
            Mount(source=self.directory.app, target=APP, writable=True),
            _RUN,
            *self.mounts,
        )
        return [
            "bwrap",
            *("--json-status-fd", str(self.status_fd)),
            *user,
            *base_arguments(self.facilities.machine, self.identity),
            *mount_arguments(own),
            *SEAL,
            *("--chdir", APP, "--"),
        ]


def environment(spec: RunSpec, path: str) -> dict[str, str]:
    """The environment of the chain, with the instance's own packed up until nothing is privileged any more.

    A variable such as LD_PRELOAD must not reach a program that still runs as root.
    """
    own = {"HOME": APP, "LANG": "C.UTF-8", "PATH": path} | dict(spec.env)
    packed = {f"{_VARIABLE}{number}": f"{name}={value}" for number, (name, value) in enumerate(own.items())}
    return SAFE_ENVIRONMENT | packed


def run_arguments(root: bool, uid: int, command: Command) -> list[str]:
    """The command line inside that drops privileges, takes the environment and becomes `command`."""
    drop = drop_privileges(uid, uid, (BUILD_GID,)) if root else []
    told = ("shell", command) if isinstance(command, str) else ("exec", *command)
    return [*drop, "/bin/bash", _RUN.target, *told]


def limit_arguments(limits: Limits, *, memory: bool) -> list[str]:
    """The command line that sets resource limits; `memory` where no control group holds it."""
    options = ["--core=0"]
    if limits.files is not None:
        # Nobody but root may exceed the limit that the daemon itself was given.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        files = limits.files if most == resource.RLIM_INFINITY else min(limits.files, most)
        options.append(f"--nofile={files}:{files}")
    if memory and limits.memory is not None:
        options.append(f"--data={limits.memory}:{limits.memory}")
    return ["prlimit", *options, "--"]


def volume_mounts(spec: RunSpec, volumes: Path) -> Iterable[Mount]:
    """The volumes of an instance, which are directories of its deployment below `volumes`."""
    for volume in spec.volumes:
        yield Mount(source=volumes / spec.deployment / volume.name, target=volume.path, writable=True)
