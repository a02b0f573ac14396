"""Credentials for registries of images, sealed at rest."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from calzion.controller.store.schema import registries
from calzion.controller.vault import Vault
from calzion.model import Login

_NO_DEPLOYMENT = ""
"""They belong to the installation: no value of a deployment opens in their place."""


@dataclass(frozen=True, kw_only=True)
class RegistryRecord:
    """`changed` is seconds since the epoch."""

    host: str
    user: str
    changed: float


def put(connection: Connection, vault: Vault, host: str, login: Login, now: float) -> None:
    """Instead of those that there were."""
    remove(connection, host)
    sealed = vault.seal(login.password, _NO_DEPLOYMENT, _label(host, login.user))
    connection.execute(insert(registries).values(host=host, user=login.user, ciphertext=sealed, changed=now))


def find(connection: Connection, vault: Vault, host: str) -> Login | None:
    """Raises CalzionError (failed) where they were sealed by another key."""
    row = connection.execute(select(registries).where(registries.c.host == host)).one_or_none()
    if row is None:
        return None
    password = vault.unseal(row.ciphertext, _NO_DEPLOYMENT, _label(host, row.user))
    return Login(user=row.user, password=password)


def listed(connection: Connection) -> list[RegistryRecord]:
    """By host, without passwords."""
    columns = registries.c
    rows = connection.execute(select(columns.host, columns.user, columns.changed).order_by(columns.host))
    return [RegistryRecord(host=host, user=user, changed=changed) for host, user, changed in rows]


def remove(connection: Connection, host: str) -> bool:
    """Whether there were some."""
    return bool(connection.execute(delete(registries).where(registries.c.host == host)).rowcount)


def reseal(connection: Connection, vault: Vault) -> int:
    """Under the key that seals now; how many."""
    rows = connection.execute(select(registries)).all()
    for row in rows:
        sealed = vault.reseal(row.ciphertext, _NO_DEPLOYMENT, _label(row.host, row.user))
        connection.execute(update(registries).where(registries.c.host == row.host).values(ciphertext=sealed))
    return len(rows)


def _label(host: str, user: str) -> str:
    return f"registry {host} {user}"
