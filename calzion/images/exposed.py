"""What an image says of itself, as an engine tells it (GET /images/NAME/json)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def exposed_ports(image: Mapping[str, Any]) -> tuple[int, ...]:
    """The TCP ports that it says to listen on, in order."""
    ports = (port.partition("/") for port in (image.get("Config") or {}).get("ExposedPorts") or ())
    return tuple(sorted(int(number) for number, _, protocol in ports if protocol in ("", "tcp")))
