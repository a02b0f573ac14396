"""A key exchange that a client began before it knew what the server likes, as Dropbear's does (RFC 4253, 7)."""

from __future__ import annotations

from collections.abc import Sequence

import paramiko

_COOKIE = 16
_LISTS = 10


def guessed_wrongly(message: paramiko.Message, kex: Sequence[str], keys: Sequence[str]) -> bool:
    """Whether the packet after this KEXINIT of a client is void: one comes, for what we do not like best."""
    read = paramiko.Message(message.asbytes())
    read.get_bytes(_COOKIE)
    lists = [read.get_list() for _ in range(_LISTS)]
    return read.get_boolean() and (lists[0][0], lists[1][0]) != (kex[0], keys[0])
