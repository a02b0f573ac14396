"""The command line of a build in its sandbox. Pure but for what the arguments name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from calzion.build.stack import MachineStack, Stack
from calzion.host.sandbox import (
    APP,
    BUILD_GID,
    BUILD_UID,
    Identity,
    Mount,
    base_arguments,
    drop_privileges,
    mount_arguments,
    user_namespace,
)

CACHE, ENVIRONMENT, OUT = "/cache", "/env", "/out"


@dataclass(frozen=True, kw_only=True)
class Rooms:
    """The directories of one build on this machine.

    `root` becomes /, with `app` and `cache` in it: being one mount, files can be linked from one to the other.
    """

    root: Path
    environment: Path
    out: Path
    temporary: Path

    def mounts(self) -> tuple[Mount, ...]:
        return (
            Mount(source=self.environment, target=ENVIRONMENT),
            Mount(source=self.out, target=OUT, writable=True),
            Mount(source=self.temporary, target="/tmp", writable=True),
        )


def build_arguments(
    stack: MachineStack,
    identity: Identity,
    rooms: Rooms,
    extra: Iterable[Mount],
    command: Sequence[str],
    *,
    bwrap: str,
    as_root: bool,
) -> list[str]:
    """The argument list that runs `command` in the sandbox, as a user who owns nothing else."""
    arguments = [
        bwrap,
        "--die-with-parent",
        "--bind",
        str(rooms.root),
        "/",
        *base_arguments(stack.machine, identity),
    ]
    arguments += mount_arguments((*rooms.mounts(), *stack.tools, *extra))
    arguments += ["--chdir", APP]
    if as_root:
        return [*arguments, "--", *drop_privileges(BUILD_UID, BUILD_GID), *command]
    return [*arguments, *user_namespace(BUILD_UID, BUILD_GID), "--", *command]


def build_environment(stack: Stack, commit: str, passed: Mapping[str, str]) -> dict[str, str]:
    """The variables of the contract, and those that are passed through."""
    return {
        **passed,
        "PATH": stack.path,
        "HOME": APP,
        "STACK": stack.name,
        "SOURCE_VERSION": commit,
        "LANG": "C.UTF-8",
    }
