"""The limits of the SSH server, and whose connections are counted together."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SshLimits:
    """Counts, seconds and bytes; each is a setting, by the same words, whose default stands here again.

    A stranger is a connection that has not logged in yet. `handshake` and `login` are counted from the moment
    that a connection is accepted. An address of IPv6 stands for its /64: a network that one customer has.
    """

    handshake_timeout: float = 10.0
    login_timeout: float = 60.0
    idle_timeout: float = 900.0
    connections: int = 500
    address_connections: int = 250
    key_connections: int = 100
    strangers: int = 200
    address_strangers: int = 64
    tries: int = 8
    sessions: int = 10
    packet: int = 256 << 10
    login_packet: int = 35_000


def origin_of(address: str) -> str:
    """What an address is counted as."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), 64), strict=False))
