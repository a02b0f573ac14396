"""How to get into an etcd cluster: its addresses, and the files that prove who we are."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from calzion.errors import CalzionError
from calzion.registryurl import RegistryUrl

CA, CERTIFICATE, KEY, PASSWORD = "ca.pem", "client.pem", "client.key", "password"


@dataclass(frozen=True, kw_only=True)
class Access:
    """`ca` None trusts the system's authorities; `certificate` is a pair of files, certificate and key."""

    url: RegistryUrl
    ca: Path | None = None
    certificate: tuple[Path, Path] | None = None
    password: Path | None = None

    @classmethod
    def of(cls, url: RegistryUrl, directory: Path) -> Access:
        """With the files of `directory`. Raises CalzionError (usage) where one is missing or open to others."""
        ca, certificate, key, password = (directory / name for name in (CA, CERTIFICATE, KEY, PASSWORD))
        for secret in (key, password):
            if secret.exists() and stat.S_IMODE(secret.stat().st_mode) & 0o077:
                raise _unusable(f"{secret} can be read by others", f"chmod 600 {secret}")
        if url.user and not password.exists():
            raise _unusable(f"the password of {url.user} is missing", f"write it to {password} (mode 0600)")
        if certificate.exists() != key.exists():
            missing = key if certificate.exists() else certificate
            raise _unusable(f"{missing} is missing", f"{CERTIFICATE} and {KEY} belong together")
        return cls(
            url=url,
            ca=ca if url.tls and ca.exists() else None,
            certificate=(certificate, key) if url.tls and certificate.exists() else None,
            password=password if url.user else None,
        )


def _unusable(message: str, hint: str) -> CalzionError:
    return CalzionError(f"etcd can't be used: {message}", hint=hint, code="usage")
