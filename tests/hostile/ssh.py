"""What strangers say to an SSH server: packets that no client would send, signatures that prove nothing, patience."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paramiko
from paramiko.common import (
    cMSG_CHANNEL_DATA,
    cMSG_CHANNEL_OPEN,
    cMSG_CHANNEL_REQUEST,
    cMSG_GLOBAL_REQUEST,
    cMSG_SERVICE_REQUEST,
    cMSG_USERAUTH_REQUEST,
)

VERSION = b"SSH-2.0-hostile\r\n"
GIBIBYTE = 1 << 30 | 4
"""A length that divides as packets must."""

_SECONDS = 20.0


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)


def hung_up(client: socket.socket) -> bool:
    """Whether the server ends a connection that we go on reading from."""
    try:
        while client.recv(1 << 16):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def drip(client: socket.socket, data: bytes) -> bool:
    """Send a byte now and then; whether the server hung up before the end."""
    with suppress(OSError):
        for byte in data:
            client.sendall(bytes([byte]))
            time.sleep(0.05)
        return False
    return True


@contextmanager
def stranger(port: int) -> Iterator[paramiko.Transport]:
    """A client with keys for the connection and none for the server."""
    transport = paramiko.Transport(("127.0.0.1", port))
    try:
        transport.start_client(timeout=_SECONDS)
        yield transport
    finally:
        transport.close()


def message(kind: bytes, *parts: object) -> paramiko.Message:
    """Of strings, numbers and booleans, as SSH writes each."""
    made = paramiko.Message()
    made.add_byte(kind)
    for part in parts:
        if isinstance(part, bool):
            made.add_boolean(part)
        elif isinstance(part, int):
            made.add_int(part)
        else:
            made.add_string(part)  # type: ignore[arg-type]  # text or bytes
    return made


def premature() -> dict[str, paramiko.Message]:
    """What only those may ask for who have logged in."""
    command = "git-receive-pack '/steady.git'"
    return {
        "a channel": message(cMSG_CHANNEL_OPEN, "session", 0, 1 << 21, 1 << 15),
        "a forwarding": message(
            cMSG_CHANNEL_OPEN, "direct-tcpip", 0, 1 << 21, 1 << 15, "127.0.0.1", 22, "x", 1
        ),
        "a command": message(cMSG_CHANNEL_REQUEST, 0, "exec", True, command),
        "data": message(cMSG_CHANNEL_DATA, 0, b"0000"),
        "a global request": message(cMSG_GLOBAL_REQUEST, "tcpip-forward", True, "0.0.0.0", 0),
        "a service": message(cMSG_SERVICE_REQUEST, "ssh-connection"),
        "a login without a key": message(cMSG_USERAUTH_REQUEST, "git", "ssh-connection", "none"),
        "a login by password": message(cMSG_USERAUTH_REQUEST, "git", "ssh-connection", "password", False, ""),
        "a login at a host": message(
            cMSG_USERAUTH_REQUEST, "git", "ssh-connection", "hostbased", "", "", "", "", ""
        ),
        "a login for something else": message(
            cMSG_USERAUTH_REQUEST, "git", "sftp", "publickey", False, "", ""
        ),
        "its own success": message(b"\x34"),
        "an answer": message(b"\x3d", 1, "x"),
    }


class Forged(paramiko.PKey):
    """The public half of one key, and whatever is said to be its signature."""

    def __init__(self, public: paramiko.PKey, signature: bytes) -> None:
        self._public, self._signature = public, signature

    def get_name(self) -> str:
        return self._public.get_name()

    def asbytes(self) -> bytes:
        return self._public.asbytes()

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> paramiko.Message:
        return paramiko.Message(self._sign(data, algorithm))

    def _sign(self, data: bytes, algorithm: str | None) -> bytes:  # others do
        return self._signature


class SignedByAnother(Forged):
    def __init__(self, public: paramiko.PKey, other: paramiko.PKey) -> None:
        super().__init__(public, b"")
        self._other = other

    def _sign(self, data: bytes, algorithm: str | None) -> bytes:
        signed: paramiko.Message = self._other.sign_ssh_data(data, algorithm)  # type: ignore[assignment]
        return signed.asbytes()


def forgeries(known: Path, other: Path) -> dict[str, paramiko.PKey]:
    """Attempts to log in with a key that the server knows, without having it."""
    mine, theirs = (paramiko.Ed25519Key.from_private_key_file(str(path)) for path in (known, other))
    elsewhere = mine.sign_ssh_data(b"another session", "ssh-ed25519").asbytes()  # type: ignore[attr-defined]
    name = len("ssh-ed25519").to_bytes(4, "big") + b"ssh-ed25519"
    signatures = {
        "nothing": b"",
        "of another session": elsewhere,
        "a changed bit": elsewhere[:-1] + bytes([elsewhere[-1] ^ 1]),
        "zeros": name + (64).to_bytes(4, "big") + bytes(64),
        "too short": name + (3).to_bytes(4, "big") + b"abc",
        "too long": name + (30_000).to_bytes(4, "big") + os.urandom(30_000),
        "a length without bytes": name + b"\xff\xff\xff\xff",
        "another algorithm": b"\0\0\0\7ssh-rsa" + (64).to_bytes(4, "big") + bytes(64),
        "garbage": os.urandom(100),
    }
    return {
        "signed by another": SignedByAnother(mine, theirs),
        **{title: Forged(mine, signature) for title, signature in signatures.items()},
    }
