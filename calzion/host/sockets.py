"""Which TCP sockets listen on this machine, and whose they are, from /proc/net/tcp and tcp6."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_LISTEN = "0A"


@dataclass(frozen=True, kw_only=True)
class Listener:
    """`waiting` counts the connections that nobody has accepted yet."""

    host: str
    port: int
    uid: int
    inode: int
    waiting: int = 0


def listeners(proc: Path = Path("/proc")) -> list[Listener]:
    """Every listening TCP socket of this network namespace."""
    return [*_table(proc / "net/tcp"), *_table(proc / "net/tcp6")]


def socket_inodes(pids: Iterable[int], proc: Path = Path("/proc")) -> set[int]:
    """The sockets that these processes hold open."""
    found = set()
    for pid in pids:
        for target in _open_files(proc / str(pid) / "fd"):
            if target.startswith("socket:["):
                found.add(int(target[8:-1]))
    return found


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
    """The kernel prints an address as 32-bit words, each in the machine's byte order.

    An IPv4 address on a socket of IPv6, as Java has it, is the IPv4 address.
    """
    words = (text[start : start + 8] for start in range(0, len(text), 8))
    packed = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    address = ipaddress.ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
