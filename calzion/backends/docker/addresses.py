"""Which address ranges containers and services get. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from calzion.ranges import NETWORK_BITS

Network = ipaddress.IPv4Network


@dataclass(frozen=True)
class AddressPlan:
    """`whole`, a range from /8 to /16, is divided.

    Its first sixteenth are stable addresses of services, the rest networks of deployments.
    """

    whole: Network

    @property
    def services(self) -> Network:
        return next(self.whole.subnets(prefixlen_diff=4))

    @property
    def discovery(self) -> str:
        """Where containers ask for one another: the address of the services' range that no service gets."""
        return str(self.services.network_address)

    def networks(self) -> Iterator[Network]:
        """Every network that a deployment can have, in order."""
        parts = self.whole.subnets(new_prefix=NETWORK_BITS)
        return (each for each in parts if not each.overlaps(self.services))

    def free(self, taken: Iterable[Network]) -> Iterator[Network]:
        """The networks that overlap none of `taken`."""
        held = list(taken)
        return (each for each in self.networks() if not any(each.overlaps(other) for other in held))

    def number(self, network: Network) -> int:
        """Which of the networks it is; the same for no two."""
        return (int(network.network_address) - int(self.whole.network_address)) >> (32 - NETWORK_BITS)
