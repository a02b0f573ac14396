"""The ranges of IPv4 addresses from which services and deployments get theirs."""

from __future__ import annotations

from ipaddress import IPv4Network

LOOPBACK = IPv4Network("127.64.0.0/10")
"""Where services have their stable addresses when they run as processes of this machine."""

NETWORK_BITS = 24
"""Of the network that a deployment's containers have for themselves: 256 addresses, some 120 instances, and as many
beside them in a rollout."""
