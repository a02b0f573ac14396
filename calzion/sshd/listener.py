"""The address of the SSH server."""

from __future__ import annotations

import socket

from calzion.config import Address
from calzion.errors import CalzionError


def listen(address: Address) -> socket.socket:
    """Raises CalzionError where the address can't be had."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address.host, address.port))
        listener.listen(256)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise CalzionError(
            f"the SSH address {address} can't be had: {error.strerror or error}",
            hint="choose another one with --ssh or CALZION_SSH",
        ) from error
    return listener
