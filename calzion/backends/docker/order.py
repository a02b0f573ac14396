"""What the engine is asked to create for one instance, as the Engine API has it (POST /containers/create). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from calzion.backends.docker.labels import Labels
from calzion.host.sandbox import APP, BUILD_GID
from calzion.model import Command, Limits, RunSpec

LAUNCHER = "/opt/calzion/run.sh"
"""In the images of slugs and appliances: takes `shell TEXT` or `exec PROGRAM ARGUMENTS...`, and becomes that."""

_LOGS = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
_SHARED_MEMORY = 256 << 20  # bytes; PostgreSQL shares more than the usual 64 MB among its workers
_IMAGE_CAPABILITIES = (
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "KILL",
    "NET_BIND_SERVICE",
    "SETGID",
    "SETUID",
)
"""What images of others need to take their files into possession and become another user."""

Config = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Bind:
    """A file or directory of the engine's machine, or a volume's name, at `target` inside."""

    source: str
    target: str
    volume: bool = False
    writable: bool = False

    @property
    def config(self) -> Config:
        kind = "volume" if self.volume else "bind"
        return {
            "Type": kind,
            "Source": self.source,
            "Target": self.target,
            "ReadOnly": not self.writable,
        }


def held(volume: str, name: str) -> Bind:
    """Has the engine know that a container needs a volume, of which it sees files elsewhere: who prunes leaves it."""
    return Bind(source=volume, target=f"/opt/calzion/held/{name}", volume=True)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where and as whom: `image` as the engine knows it, `user` None for the image's own."""

    image: str
    network: str
    address: str
    binds: Sequence[Bind]
    labels: Labels
    user: int | None


def create(spec: RunSpec, where: Placement, *, terminal: bool = False, attached: bool = False) -> Config:
    """The body that creates the container; `attached` with a standard input that someone writes to."""
    return {
        "Image": where.image,
        **_command(spec),
        "Env": environment(spec),
        "User": f"{where.user}:{where.user}" if where.user is not None else "",
        "Hostname": spec.service,
        "Labels": where.labels,
        "StopSignal": spec.stop.signal,
        "StopTimeout": ceil(spec.stop.timeout),
        "Tty": terminal,
        "OpenStdin": attached,
        "StdinOnce": attached,
        "AttachStdin": attached,
        "AttachStdout": attached,
        "AttachStderr": attached,
        "NetworkingConfig": {
            "EndpointsConfig": {where.network: {"IPAMConfig": {"IPv4Address": where.address}}}
        },
        "HostConfig": {
            "NetworkMode": where.network,
            "Mounts": [bind.config for bind in where.binds],
            "RestartPolicy": {"Name": "unless-stopped" if spec.restart and not attached else "no"},
            "Init": True,
            "LogConfig": _LOGS,
            "ShmSize": _SHARED_MEMORY,
            **_security(spec, own=where.user is not None),
            **_limits(spec.limits),
        },
    }


def environment(spec: RunSpec) -> list[str]:
    own = {"HOME": APP, "LANG": "C.UTF-8"} if spec.image is None else {}
    if spec.appliance is None:
        own["TINI_KILL_PROCESS_GROUP"] = (
            "1"  # the engine's init passes signals on to all that the command started
        )
    return [f"{name}={value}" for name, value in {**own, **spec.env}.items()]


def told(command: Command) -> list[str]:
    """A command in the words of the launcher."""
    return ["shell", command] if isinstance(command, str) else ["exec", *command]


def execution(spec: RunSpec) -> list[str]:
    """A command inside a running container; in our own images it is killed after the order's stop timeout."""
    if spec.image is None:
        limit = ["timeout", "-s", "KILL", str(spec.stop.timeout)]
        return [*limit, "/bin/bash", LAUNCHER, *told(spec.command)]
    return _plain(spec.command)


def _command(spec: RunSpec) -> Mapping[str, Any]:
    """Our own images have the launcher for an entrypoint; those of others keep theirs."""
    if spec.image is not None:
        given = {"Entrypoint": _plain(spec.entrypoint)} if spec.entrypoint else {}
        return given | ({"Cmd": _plain(spec.command)} if spec.command else {})
    return {"WorkingDir": APP} | ({"Cmd": told(spec.command)} if spec.command else {})


def _plain(command: Command) -> list[str]:
    """An image of others may have no bash."""
    return ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)


def _security(spec: RunSpec, *, own: bool) -> Config:
    if spec.privileged:
        return {"Privileged": True}
    hardened: Config = {"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"]}
    if not own:
        return {**hardened, "CapAdd": list(_IMAGE_CAPABILITIES)}
    return {
        **hardened,
        "GroupAdd": [str(BUILD_GID)],  # the group that owns slugs: an instance may change its own copy
        "ReadonlyRootfs": True,
        "Tmpfs": {"/run": "mode=755,size=64m"},
    }


def _limits(limits: Limits) -> Config:
    """How many files may be open is left to the engine, which can't give more than it was given."""
    config: Config = {"PidsLimit": limits.processes, "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}]}
    if limits.memory is not None:
        config |= {"Memory": limits.memory, "MemorySwap": limits.memory}
    if limits.cpus is not None:
        config["NanoCpus"] = int(limits.cpus * 1e9)
    return config
