"""Which TCP sockets listen on this machine, and whose they are."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from calzion.host.socketdiag import listening_sockets

_PROC = Path("/proc")
_LISTEN = "0A"
_TABLES = {socket.AF_INET: "net/tcp", socket.AF_INET6: "net/tcp6"}


@dataclass(frozen=True, kw_only=True)
class Listener:
    """`waiting` counts the connections that nobody has accepted yet."""

    host: str
    port: int
    uid: int
    inode: int
    waiting: int = 0


def listeners() -> list[Listener]:
    """Every listening TCP socket of this network namespace."""
    return [listener for family in _TABLES for listener in _listeners(family)]


def listeners_of(proc: Path) -> list[Listener]:
    """Those of a process's network namespace, /proc/PID being its directory."""
    return [listener for table in _TABLES.values() for listener in _table(proc / table)]


def socket_inodes(pids: Iterable[int], proc: Path = _PROC) -> set[int]:
    """The sockets that these processes hold open."""
    found = set()
    for pid in pids:
        for target in _open_files(proc / str(pid) / "fd"):
            if target.startswith("socket:["):
                found.add(int(target[8:-1]))
    return found


def _listeners(family: socket.AddressFamily) -> list[Listener]:
    try:
        found = listening_sockets(family)
    except OSError:
        # A kernel may lack that part.
        return list(_table(_PROC / _TABLES[family]))
    return [
        Listener(host=_host(one.address), port=one.port, uid=one.uid, inode=one.inode, waiting=one.waiting)
        for one in found
    ]


def _open_files(directory: Path) -> Iterator[str]:
    try:
        files = list(directory.iterdir())
    except OSError:
        return
    for file in files:
        try:
            yield str(file.readlink())
        except OSError:
            continue


def _table(path: Path) -> Iterator[Listener]:
    try:
        lines = path.read_text().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split()
        if fields[3] == _LISTEN:
            address, _, port = fields[1].partition(":")
            yield Listener(
                host=_address(address),
                port=int(port, 16),
                uid=int(fields[7]),
                inode=int(fields[9]),
                waiting=int(fields[4].partition(":")[2], 16),
            )


def _address(text: str) -> str:
    """The kernel prints an address as 32-bit words, each in the machine's byte order."""
    words = (text[start : start + 8] for start in range(0, len(text), 8))
    return _host(b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words))


def _host(packed: bytes) -> str:
    """An IPv4 address on a socket of IPv6, as Java has it, is the IPv4 address."""
    address = ipaddress.ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
