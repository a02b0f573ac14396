"""Control groups, version 1 and 2, where this user may make them: limits, memory use, memory kills."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CONTROLLERS = ("memory", "pids", "cpu")
_CPU_PERIOD = 100_000  # microseconds, the kernel's default


@dataclass(frozen=True, kw_only=True)
class Cgroup:
    """One group. `directories` maps a controller to its directory: one for all with version 2."""

    version: int
    directories: Mapping[str, Path]

    @property
    def entrances(self) -> tuple[Path, ...]:
        """The files into which a process writes its pid (or 0, for itself) to join."""
        return tuple(dict.fromkeys(path / "cgroup.procs" for path in self.directories.values()))

    def limit(
        self, *, memory: int | None = None, processes: int | None = None, cpus: float | None = None
    ) -> None:
        """Set limits: bytes of memory, swap included; processes; cores. Unsupported ones are ignored."""
        settings = _settings(self.version, memory, processes, cpus)
        for controller, name, value in settings:
            directory = self.directories.get(controller)
            if directory is not None and (directory / name).exists():
                with contextlib.suppress(OSError):
                    (directory / name).write_text(value)

    def memory(self) -> int:
        """Bytes in use, without the page cache that can be dropped at once; 0 where unknown."""
        directory = self.directories.get("memory")
        if directory is None:
            return 0
        used = _number(directory / ("memory.current" if self.version == 2 else "memory.usage_in_bytes"))
        cache = _counter(
            directory / "memory.stat", "inactive_file" if self.version == 2 else "total_inactive_file"
        )
        return max(used - cache, 0)

    def out_of_memory_kills(self) -> int:
        """How many processes the memory limit has ended."""
        directory = self.directories.get("memory")
        if directory is None:
            return 0
        return _counter(
            directory / ("memory.events" if self.version == 2 else "memory.oom_control"), "oom_kill"
        )

    def remove(self, patience: float = 1.0) -> bool:
        """Remove the group, whose processes have ended; the kernel may need up to `patience` seconds."""
        deadline = time.monotonic() + patience
        while not all(_remove(path) for path in dict.fromkeys(self.directories.values())):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True


@dataclass(frozen=True, kw_only=True)
class CgroupTree:
    """Where groups are made. `directories` maps a controller to the parent of its groups."""

    version: int
    directories: Mapping[str, Path]

    @classmethod
    def find(cls, name: str, mountinfo: Path = Path("/proc/self/mountinfo")) -> CgroupTree | None:
        """The tree called `name`, made where it was missing; None where this user can't make groups."""
        mounts = _mounts(mountinfo.read_text())
        tree = _version_1(name, mounts) or _version_2(name, mounts)
        if tree is None or not tree._usable():
            return None
        return tree

    def group(self, name: str) -> Cgroup:
        """The group `name`, made where it is missing. Raises OSError."""
        group = Cgroup(
            version=self.version, directories={key: path / name for key, path in self.directories.items()}
        )
        for path in group.directories.values():
            path.mkdir(parents=True, exist_ok=True)
        return group

    def sweep(self) -> None:
        """Remove every group without processes, and the tree where it is empty then."""
        for parent in dict.fromkeys(self.directories.values()):
            with contextlib.suppress(OSError):
                for path in [*parent.iterdir(), parent]:
                    _remove(path)

    def _usable(self) -> bool:
        try:
            return "memory" in self.directories and self.group(".probe").remove()
        except OSError:
            return False


Settings = list[tuple[str, str, str]]  # controller, file, value


def _settings(version: int, memory: int | None, processes: int | None, cpus: float | None) -> Settings:
    settings: Settings = []
    if memory is not None:
        settings += _memory_settings(version, str(memory))
    if processes is not None:
        settings.append(("pids", "pids.max", str(processes)))
    if cpus is not None:
        settings += _cpu_settings(version, str(int(cpus * _CPU_PERIOD)))
    return settings


def _memory_settings(version: int, size: str) -> Settings:
    if version == 2:
        return [("memory", "memory.max", size), ("memory", "memory.swap.max", "0")]
    return [("memory", "memory.limit_in_bytes", size), ("memory", "memory.memsw.limit_in_bytes", size)]


def _cpu_settings(version: int, quota: str) -> Settings:
    if version == 2:
        return [("cpu", "cpu.max", f"{quota} {_CPU_PERIOD}")]
    return [("cpu", "cpu.cfs_period_us", str(_CPU_PERIOD)), ("cpu", "cpu.cfs_quota_us", quota)]


def _mounts(mountinfo: str) -> dict[str, Path]:
    """Where each controller of version 1 is mounted, and version 2 as `unified` (proc_pid_mountinfo(5))."""
    found: dict[str, Path] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        point, kind, options = before.split()[4], after.split()[0], after.split()[-1].split(",")
        if kind == "cgroup2":
            found.setdefault("unified", Path(point))
        elif kind == "cgroup":
            for controller in set(options) & set(CONTROLLERS):
                found.setdefault(controller, Path(point))
    return found


def _version_1(name: str, mounts: Mapping[str, Path]) -> CgroupTree | None:
    if "memory" not in mounts:
        return None
    directories = {}
    for controller in CONTROLLERS:
        if controller in mounts and _make(mounts[controller] / name):
            directories[controller] = mounts[controller] / name
    return CgroupTree(version=1, directories=directories)


def _version_2(name: str, mounts: Mapping[str, Path]) -> CgroupTree | None:
    if "unified" not in mounts:
        return None
    root = mounts["unified"]
    parent = root / name
    if not _make(parent):
        return None
    for directory in (root, parent):
        for controller in CONTROLLERS:
            with contextlib.suppress(OSError):
                (directory / "cgroup.subtree_control").write_text(f"+{controller}")
    enabled = set(_text(parent / "cgroup.subtree_control").split()) & set(CONTROLLERS)
    return CgroupTree(version=2, directories=dict.fromkeys(sorted(enabled), parent))


def _make(path: Path) -> bool:
    try:
        path.mkdir(exist_ok=True)
    except OSError:
        return False
    return True


def _remove(path: Path) -> bool:
    try:
        path.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _number(path: Path) -> int:
    text = _text(path).strip()
    return int(text) if text.isdigit() else 0


def _counter(path: Path, name: str) -> int:
    for line in _text(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0
