"""What builds and instances stand on: the operating system, the architecture, the interpreters."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import uv

from calzion.host.runtimes import node_mounts, packaged
from calzion.host.sandbox import RUNTIMES, SYSTEM_PATH, Machine, Mount

_VERSION_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Stack:
    """`name` changes whenever a slug would have to be built anew. `path` is the PATH of builds."""

    name: str
    path: str


@dataclass(frozen=True, kw_only=True)
class MachineStack(Stack):
    """This machine's own. `tools` are mounted into the sandbox."""

    machine: Machine
    tools: tuple[Mount, ...]

    @classmethod
    def look(cls) -> MachineStack:
        """See what this machine has."""
        machine = Machine.look()
        node = node_mounts()
        uv_mount = Mount(source=find_uv(), target=f"{RUNTIMES}/bin/uv")
        return cls(
            name=stack_name(
                _os_release(),
                platform.machine(),
                {
                    "python": _version(shutil.which("python3", path=machine.path)),
                    "node": _version(_node(node)),
                },
            ),
            path=build_path(machine.path),
            machine=machine,
            tools=(uv_mount, *_poetry(), *node),
        )


def build_path(system: str) -> str:
    """What Calzion brings along, and then the system's programs."""
    return f"{RUNTIMES}/bin:{RUNTIMES}/node/bin:{system}"


def stack_name(os_release: Mapping[str, str], architecture: str, versions: Mapping[str, str]) -> str:
    """A name such as `debian-12-x86_64-python3.11.2`; what is not there is left out."""
    system = f"{os_release.get('ID', 'linux')}-{os_release.get('VERSION_ID', 'rolling')}"
    return "-".join([system, architecture, *(f"{name}{text}" for name, text in versions.items() if text)])


def _os_release() -> Mapping[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _node(mounts: tuple[Mount, ...]) -> str | None:
    return str(mounts[0].source / "bin/node") if mounts else shutil.which("node", path=SYSTEM_PATH)


def _poetry() -> tuple[Mount, ...]:
    """Poetry's own library, by which the python buildpack reads Poetry's files."""
    library = packaged("poetry.core")
    return (Mount(source=library, target=f"{RUNTIMES}/python/poetry/core"),) if library else ()


def find_uv() -> Path:
    try:
        return Path(uv.find_uv_bin())
    except FileNotFoundError:
        return Path(shutil.which("uv") or "/usr/bin/uv")


def _version(program: str | None) -> str:
    if not program:
        return ""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"\d+(?:\.\d+)*", done.stdout)
    return match[0] if match else ""
