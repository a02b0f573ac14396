"""What an engine lacks, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ABILITIES = {
    "MemoryLimit": "The engine can't limit memory: one container may take all of it.",
    "PidsLimit": "The engine can't limit processes: one container may start any number.",
    "CpuCfsQuota": "The engine can't limit processor time.",
    "IPv4Forwarding": "The machine forwards no packets (net.ipv4.ip_forward): containers reach nothing outside.",
}


def missing(info: Mapping[str, Any], *, root: bool) -> list[str]:
    """A sentence for everything that is missing or not protected; `info` is the answer of GET /info."""
    sentences = [sentence for name, sentence in _ABILITIES.items() if not info.get(name, True)]
    if not any("seccomp" in option for option in info.get("SecurityOptions") or ()):
        sentences.append("The engine filters no system calls (seccomp): containers reach all of the kernel.")
    if not root:
        sentences.append("Calzion is not root: containers of all deployments run as one user.")
    return sentences
