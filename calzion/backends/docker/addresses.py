"""Which address ranges containers and services get. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Network = ipaddress.IPv4Network

NETWORK_PREFIX = 24
"""A deployment's network has 256 addresses: some 120 instances, and as many beside them in a rollout."""


@dataclass(frozen=True)
class AddressPlan:
    """`whole` is divided: its first sixteenth are stable addresses of services, the rest networks of deployments."""

    whole: Network

    @property
    def services(self) -> Network:
        return next(self.whole.subnets(prefixlen_diff=4))

    def networks(self) -> Iterator[Network]:
        """Every network that a deployment can have, in order."""
        parts = self.whole.subnets(new_prefix=NETWORK_PREFIX)
        return (each for each in parts if not each.overlaps(self.services))

    def free(self, taken: Iterable[Network]) -> Iterator[Network]:
        """The networks that overlap none of `taken`."""
        held = list(taken)
        return (each for each in self.networks() if not any(each.overlaps(other) for other in held))

    def number(self, network: Network) -> int:
        """Which of the networks it is; the same for no two."""
        return (int(network.network_address) - int(self.whole.network_address)) >> (32 - NETWORK_PREFIX)


def parse_plan(text: str) -> AddressPlan:
    """Raises ValueError with a sentence for what is no private IPv4 range of a sensible size."""
    network = ipaddress.IPv4Network(text)
    if not 8 <= network.prefixlen <= 16:
        raise ValueError(f"{text!r}: give a range from /8 to /16")
    return AddressPlan(network)
