"""Where containers' sockets are listed: the network namespaces of this machine, found by their addresses (proc(5))."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Namespace:
    """`proc` is the directory below /proc of one process in it."""

    proc: Path
    inode: int

    @property
    def lives(self) -> bool:
        return _inode(self.proc) == self.inode


class Namespaces:
    """Those of other containers are seen by root alone, and not from within one: then nothing is found."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._known: dict[str, Namespace] = {}
        self.seen = False
        """Whether any was ever found: then an address without one belongs to a container that is gone."""

    def of(self, addresses: Collection[str]) -> dict[str, Namespace]:
        self._known = {
            address: one for address, one in self._known.items() if address in addresses and one.lives
        }
        if any(address not in self._known for address in addresses):
            found = {address: one for one in self._others() for address in _addresses(one.proc)}
            self._known = {address: found[address] for address in addresses if address in found}
            self.seen = self.seen or bool(self._known)
        return self._known

    def _others(self) -> Iterator[Namespace]:
        passed = {_inode(self._proc / "self"), 0}
        for directory in self._proc.iterdir():
            if directory.name.isdigit() and (inode := _inode(directory)) not in passed:
                passed.add(inode)
                yield Namespace(directory, inode)


def _inode(proc: Path) -> int:
    """0 where the process has ended, or is none of ours."""
    try:
        return (proc / "ns" / "net").stat().st_ino
    except OSError:
        return 0


def _addresses(proc: Path) -> Iterator[str]:
    """The IPv4 addresses of a namespace's own interfaces: the leaves of its routes that are followed by LOCAL."""
    try:
        lines = (proc / "net" / "fib_trie").read_text().splitlines()
    except OSError:
        return
    leaf = ""
    for line in map(str.strip, lines):
        if line.startswith("|-- "):
            leaf = line.removeprefix("|-- ")
        elif line == "/32 host LOCAL":
            yield leaf
