"""Secrets at rest: AES-256-GCM under the installation's key, bound to where they belong."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from calzion.controller.keyfile import KeyFile
from calzion.errors import CalzionError

_NONCE_BYTES = 12  # NIST SP 800-38D recommends 96-bit nonces
_ALPHABET = string.ascii_letters + string.digits


class Vault:
    """Seals values for one deployment and name: a ciphertext moved to another row does not open.

    Whoever seals holds the store's write lock, as a rotation does for all that is sealed: so nothing is sealed with a
    key that is about to go. The file is looked at again where it has changed.
    """

    def __init__(self, file: KeyFile) -> None:
        self._file = file
        keys = file.read()
        self._version = file.version()
        self._ciphers = [AESGCM(key) for key in keys.sealing]
        self._mac_key = hashlib.sha256(b"calzion fingerprint" + keys.identity).digest()

    @classmethod
    def open(cls, path: Path) -> Vault:
        """Read the key, made at first use. Raises CalzionError (failed) where the file holds something else."""
        return cls(KeyFile(path))

    def seal(self, value: str, deployment: str, name: str) -> bytes:
        self._look()
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, value.encode(), _context(deployment, name))

    def unseal(self, sealed: bytes, deployment: str, name: str) -> str:
        """Raises CalzionError (failed) where the value was sealed elsewhere or by another key."""
        opened = self._try(sealed, deployment, name)
        if opened is None and self._look():
            opened = self._try(sealed, deployment, name)
        if opened is None:
            raise CalzionError(
                f"the value {name} of {deployment} can't be decrypted", hint="is secret.key the right one?"
            )
        return opened.decode()

    def reseal(self, sealed: bytes, deployment: str, name: str) -> bytes:
        """The same value under the key that seals now."""
        return self.seal(self.unseal(sealed, deployment, name), deployment, name)

    @contextmanager
    def rotating(self) -> Iterator[None]:
        """Seal with a new key from now on. What is sealed with earlier ones opens until this is left without an error.

        Raises OSError where the file can't be written.
        """
        with self._file.locked():
            self._file.replace(self._file.read().with_new())
            yield
            self._file.replace(self._file.read().with_first_alone())

    def fingerprint(self, data: bytes) -> str:
        """A keyed digest: equal data is recognised, short secrets in it can't be guessed from it."""
        return hmac.new(self._mac_key, data, hashlib.sha256).hexdigest()

    def _look(self) -> bool:
        """Read the file where it is another than before; whether it was."""
        version = self._file.version()
        if version in (self._version, None):
            return False
        self._ciphers = [AESGCM(key) for key in self._file.read().sealing]
        self._version = version
        return True

    def _try(self, sealed: bytes, deployment: str, name: str) -> bytes | None:
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(
                    sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _context(deployment, name)
                )
            except InvalidTag:
                continue
        return None


def generate(length: int) -> str:
    """`length` random characters of a-z, A-Z, 0-9 (5.95 bits each)."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _context(deployment: str, name: str) -> bytes:
    return f"{deployment}\0{name}".encode()
