"""What speaks SSH on a wire, in algorithms that are fast, or that some client has nothing better than."""

from __future__ import annotations

import socket
from typing import cast

import paramiko

from calzion.sshd.farewell import VERSION
from calzion.sshd.fastpath import FastTransport
from calzion.sshd.guess import guessed_wrongly
from calzion.sshd.wire import BoundedPacketizer, Wire

KEEPALIVE = 15
"""Seconds of silence after which a message is sent, so that no firewall forgets a push that builds."""

_WINDOW = 2 << 20
_CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)
_DIGESTS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
_KEY_EXCHANGES = (
    "mlkem768x25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
)


def make_transport(wire: Wire, keys: list[paramiko.PKey], *, fast: bool) -> paramiko.Transport:
    """A server's, with host keys in order of preference, that does not run yet."""
    if fast:
        transport: paramiko.Transport = FastTransport(wire, _WINDOW)
    else:
        transport = paramiko.Transport(
            cast(socket.socket, wire), packetizer_class=BoundedPacketizer, default_window_size=_WINDOW
        )
    transport.local_version = VERSION
    options = transport.get_security_options()
    options.ciphers = _CIPHERS
    options.digests = _DIGESTS
    options.kex = tuple(name for name in _KEY_EXCHANGES if name in options.kex)
    for key in keys:
        transport.add_server_key(key)
    transport.set_keepalive(KEEPALIVE)
    names = [name for name in options.key_types if name in transport.server_key_dict]
    packetizer_of(transport).voids_next = lambda message: guessed_wrongly(message, options.kex, names)
    return transport


def packetizer_of(transport: paramiko.Transport) -> BoundedPacketizer:
    """Of one that was made here."""
    return cast(BoundedPacketizer, transport.packetizer)
