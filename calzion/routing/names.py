"""The entries of HAProxy's maps: what each kind of key is, and the static map of domains. Pure.

A domain leads to the key of a service, and that key to a slot. So a switch of releases changes no domain, and a change
of domains no slot.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping

from calzion.infrastructure.declaration import Domain, Target
from calzion.model import Endpoint

MEMBER = "member"
"""The value of a key that leads nowhere, but has to be there."""

AUTH, STICKY, NO_RULES = "auth", "sticky", "-"
"""What the key of a domain may say, with commas between."""

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?")
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@/-]*")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~!$&'()*+,;=:@/\[\]-]+")


def host_key(host: str) -> str:
    """The key of a host name. Raises ValueError for what is no lower-case host name."""
    return f"h:{_host(host)}"


def address_key(address: Endpoint) -> str:
    """The key of a service's stable address. Raises ValueError where it is no IPv4 address."""
    return f"a:{ipaddress.IPv4Address(address.host)}:{int(address.port)}"


def port_key(port: int) -> str:
    """The key of a port to the outside."""
    return f"x:{int(port)}"


def member_key(address: str, network: str) -> str:
    """The key that lets a deployment's containers reach a service. Raises ValueError for what is no IPv4."""
    return f"m:{ipaddress.IPv4Network(network).network_address}:{ipaddress.IPv4Address(address)}"


def service_key(service: Target) -> str:
    """The key to which domains lead."""
    return f"r:{service}"


def domain_entries(domains: Mapping[str, Domain]) -> dict[str, str]:
    """The map of domains: its rules for each name, and for each prefix of paths a service's key or an address.

    The prefix ends in a slash, as what is looked up does: so /api is no prefix of /apis.
    Raises ValueError for what HAProxy could not be told.
    """
    found: dict[str, str] = {}
    for name, domain in domains.items():
        found[f"n:{_domain(name)}"] = ",".join(_rules(domain)) or NO_RULES
        for path, target in domain.paths.items():
            found[f"p:{name}{_path(path)}"] = service_key(target)
        if domain.redirect:
            found[f"p:{name}/"] = _address(domain.redirect)
    return found


def sticky_entries(pool: str, slot: str, servers: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What lets a client come back to its server: a token for each, which is no address, and back."""
    for server in servers:
        token = hashlib.sha256(f"{pool} {server}".encode()).hexdigest()[:20]
        yield f"s:{slot}:{token}", server
        yield f"t:{slot}:{server}", token


def _rules(domain: Domain) -> Iterator[str]:
    if domain.auth:
        yield AUTH
    if domain.sticky:
        yield STICKY


def _host(host: str) -> str:
    if not _HOST.fullmatch(host):
        raise ValueError(f"{host!a} is no host name that the router can serve")
    return host


def _domain(name: str) -> str:
    _host(name.removeprefix("*."))
    return name


def _path(path: str) -> str:
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!a} is no prefix of paths that the router can serve")
    return path.rstrip("/") + "/"


def _address(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"{address!a} is no address that the router can redirect to")
    return address
