"""How much a build may take, and how it is held to that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from calzion.build.output import MAX_TOTAL
from calzion.host.cgroup import Cgroup, CgroupTree

PROCESSES = 2048
FILE_SIZE = 4 << 30
_ENTER = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done; shift; exec "$@"'


@dataclass(frozen=True, kw_only=True)
class BuildLimits:
    """Bytes of memory, seconds, bytes of output that is told, bytes of the finished slug."""

    memory: int
    timeout: float
    log: int = MAX_TOTAL
    slug_size: int = 4 << 30


class Enclosure:
    """The limits of one running build: a control group where possible, else those of setrlimit(2)."""

    def __init__(self, limits: BuildLimits, group: Cgroup | None) -> None:
        self._limits = limits
        self._group = group

    def wrap(self, arguments: list[str]) -> list[str]:
        """The command line that runs `arguments` within the limits."""
        if self._group is None:
            data = f"--data={self._limits.memory}"
            return ["/usr/bin/prlimit", data, f"--fsize={FILE_SIZE}", "--core=0", "--", *arguments]
        entrances = [str(path) for path in self._group.entrances]
        held = ["/usr/bin/prlimit", f"--fsize={FILE_SIZE}", "--core=0", "--", *arguments]
        return ["/bin/sh", "-c", _ENTER, "sh", *entrances, "--", *held]

    def ran_out_of_memory(self) -> bool:
        return self._group is not None and self._group.out_of_memory_kills() > 0


@contextlib.contextmanager
def enclosure(limits: BuildLimits, tree: CgroupTree | None, name: str) -> Iterator[Enclosure]:
    """The limits for the build `name`, which has ended when the context is left."""
    group = None
    if tree is not None:
        with contextlib.suppress(OSError):
            group = tree.group(name)
            group.limit(memory=limits.memory, processes=PROCESSES)
    try:
        yield Enclosure(limits, group)
    finally:
        if group is not None:
            group.remove()
