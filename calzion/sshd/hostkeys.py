"""The server's host keys: made at the first start, kept from then on."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
)
from paramiko.pkey import UnknownKeyType

from calzion.durable import sync_directory
from calzion.errors import CalzionError

_PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey

_KINDS: dict[str, Callable[[], _PrivateKey]] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
}


def host_keys(directory: Path) -> list[paramiko.PKey]:
    """Load the keys, the preferred first; make missing ones. Raises CalzionError where one is damaged."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [_load(directory / f"host_{kind}", make) for kind, make in _KINDS.items()]


def read_host_keys(directory: Path) -> dict[str, str]:
    """The private keys as text, by the names of their files; those that are there."""
    paths = (directory / f"host_{kind}" for kind in _KINDS)
    return {path.name: _text(path) for path in paths if path.exists()}


def replace_host_keys(directory: Path, keys: Mapping[str, str]) -> None:
    """Put other keys in place, which count from the next start on. Raises CalzionError (usage) for what is none."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for kind in _KINDS:
        if text := keys.get(f"host_{kind}"):
            _check(kind, text)
            _write(directory / f"host_{kind}", text.encode())


def _text(path: Path) -> str:
    """Of a file of that name and of no other that it leads to. Raises OSError where it does."""
    with os.fdopen(
        os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), encoding="utf-8"
    ) as file:
        return file.read()


def _check(kind: str, text: str) -> None:
    try:
        load_ssh_private_key(text.encode(), None)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CalzionError(f"the host key host_{kind} is no private key: {error}", code="usage") from error


def fingerprint(key: paramiko.PKey) -> str:
    """As `ssh-keygen -l` shows it: SHA256: and unpadded Base64."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _load(path: Path, make: Callable[[], _PrivateKey]) -> paramiko.PKey:
    if not path.exists():
        _write(path, make().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    try:
        return paramiko.PKey.from_path(path)
    except (paramiko.SSHException, UnknownKeyType, ValueError, OSError) as error:
        raise CalzionError(
            f"the host key {path} can't be read: {error}",
            hint="restore it from a backup; removing it makes a new one, which every client has to accept",
        ) from error


def _write(path: Path, data: bytes) -> None:
    """For the owner of the directory, who may be another user than we are, and may mean harm."""
    scratch, owner = path.with_name(f".{path.name}.{os.getpid()}"), path.parent.stat()
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if owner.st_uid != os.geteuid():
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _give(scratch, path.parent)
    scratch.rename(path)
    sync_directory(path.parent)


def _give(path: Path, directory: Path) -> None:
    """To the directory's owner, who is to read it, where root makes it."""
    owner = directory.stat()
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)
