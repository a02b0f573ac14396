"""Secrets at rest: AES-256-GCM under the installation's key, bound to where they belong."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import string
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from calzion.durable import sync_directory
from calzion.errors import CalzionError

_KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D recommends 96-bit nonces
_ALPHABET = string.ascii_letters + string.digits


class Vault:
    """Seals values for one deployment and name: a ciphertext moved to another row does not open."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._mac_key = hashlib.sha256(b"calzion fingerprint" + key).digest()

    @classmethod
    def open(cls, path: Path) -> Vault:
        """Read the key, made at first use. Raises CalzionError (failed) where the file holds something else."""
        if not path.exists():
            _create(path)
        key = path.read_bytes()
        if len(key) != _KEY_BYTES:
            raise CalzionError(f"{path} is no key of {_KEY_BYTES} bytes", hint="restore it from a backup")
        return cls(key)

    def seal(self, value: str, deployment: str, name: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value.encode(), _context(deployment, name))

    def unseal(self, sealed: bytes, deployment: str, name: str) -> str:
        """Raises CalzionError (failed) where the value was sealed elsewhere or by another key."""
        try:
            opened = self._cipher.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _context(deployment, name)
            )
        except InvalidTag as error:
            raise CalzionError(
                f"the value {name} of {deployment} can't be decrypted", hint="is secret.key the right one?"
            ) from error
        return opened.decode()

    def fingerprint(self, data: bytes) -> str:
        """A keyed digest: equal data is recognised, short secrets in it can't be guessed from it."""
        return hmac.new(self._mac_key, data, hashlib.sha256).hexdigest()


def generate(length: int) -> str:
    """`length` random characters of a-z, A-Z, 0-9 (5.95 bits each)."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _context(deployment: str, name: str) -> bytes:
    return f"{deployment}\0{name}".encode()


def _create(path: Path) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(os.urandom(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        # link, not rename: the first of two starting processes wins, and the other reads its key.
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    sync_directory(path.parent)
