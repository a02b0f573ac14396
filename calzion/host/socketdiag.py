"""Asking the kernel for listening sockets alone (sock_diag(7)): /proc would make it walk over every connection too."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY = 4, 20
_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE = 2, 3
_LISTEN = 1 << 10
_HEADER = struct.Struct("=IHHII")  # nlmsghdr
_QUESTION = struct.Struct("=BBBxI48x")  # inet_diag_req_v2
_ANSWER = struct.Struct("=BxxxH2x16s32xI4xII")  # inet_diag_msg without its timer


class ListeningSocket(NamedTuple):
    """`address` is packed, 4 or 16 bytes; `waiting` counts connections that nobody has accepted yet."""

    address: bytes
    port: int
    waiting: int
    uid: int
    inode: int


def listening_sockets(family: socket.AddressFamily) -> list[ListeningSocket]:
    """The listening TCP sockets of a family in this network namespace. Raises OSError where the kernel tells none."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as link:
        question = _QUESTION.pack(family, socket.IPPROTO_TCP, 0, _LISTEN)
        length = _HEADER.size + len(question)
        link.send(_HEADER.pack(length, _SOCK_DIAG_BY_FAMILY, _REQUEST | _DUMP, 1, 0) + question)
        return [_read(payload) for payload in _payloads(link)]


def _payloads(link: socket.socket) -> Iterator[bytes]:
    while True:
        data, position = link.recv(1 << 16), 0
        while position < len(data):
            length, kind, *_ = _HEADER.unpack_from(data, position)
            payload = data[position + _HEADER.size : position + length]
            if kind == _DONE:
                return
            if kind == _ERROR:
                number = -struct.unpack_from("=i", payload)[0]
                raise OSError(number, os.strerror(number))
            yield payload
            position += (length + 3) & ~3


def _read(payload: bytes) -> ListeningSocket:
    family, port, address, waiting, uid, inode = _ANSWER.unpack_from(payload)
    return ListeningSocket(
        address=address if family == socket.AF_INET6 else address[:4],
        port=socket.ntohs(port),
        waiting=waiting,
        uid=uid,
        inode=inode,
    )
