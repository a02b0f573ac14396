"""Secrets of deployments: set by users, sealed at rest, and seen by the processes whose `env` names them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from calzion.controller.store.deployments import Deployment
from calzion.controller.store.schema import secrets
from calzion.controller.vault import Vault


@dataclass(frozen=True, kw_only=True)
class SecretRecord:
    """`changed` is seconds since the epoch."""

    name: str
    changed: float


def set_secret(
    connection: Connection, vault: Vault, deployment: Deployment, name: str, value: str, now: float
) -> None:
    remove(connection, deployment, name)
    sealed = vault.seal(value, deployment.name, _label(name))
    connection.execute(
        insert(secrets).values(deployment_id=deployment.id, name=name, ciphertext=sealed, changed=now)
    )


def remove(connection: Connection, deployment: Deployment, name: str) -> bool:
    """Whether there was one of that name."""
    chosen = (secrets.c.deployment_id == deployment.id) & (secrets.c.name == name)
    return bool(connection.execute(delete(secrets).where(chosen)).rowcount)


def listed(connection: Connection, deployment: Deployment) -> list[SecretRecord]:
    """By name, without values."""
    chosen = select(secrets.c.name, secrets.c.changed).where(secrets.c.deployment_id == deployment.id)
    rows = connection.execute(chosen.order_by(secrets.c.name))
    return [SecretRecord(name=name, changed=changed) for name, changed in rows]


def values(connection: Connection, vault: Vault, deployment: Deployment) -> dict[str, str]:
    rows = connection.execute(
        select(secrets.c.name, secrets.c.ciphertext).where(secrets.c.deployment_id == deployment.id)
    )
    return {name: vault.unseal(sealed, deployment.name, _label(name)) for name, sealed in rows}


def _label(name: str) -> str:
    """A generated value of the same name is sealed under another one, so neither passes for the other."""
    return f"secret {name}"
