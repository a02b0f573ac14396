"""Secrets of deployments: set by users, sealed at rest, and seen by the processes whose `env` names them.

Every value that is set is a version of its own, which stays as long as a kept release was rolled out with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from calzion.controller.store.deployments import Deployment
from calzion.controller.store.schema import deployments, secrets
from calzion.controller.vault import Vault

Versions = Mapping[str, int]
"""Name -> version. No version is ever used again for another value."""


@dataclass(frozen=True, kw_only=True)
class SecretRecord:
    """`changed` is seconds since the epoch."""

    name: str
    changed: float


def set_secret(
    connection: Connection, vault: Vault, deployment: Deployment, name: str, value: str, now: float
) -> None:
    """A new version, which the releases to come are rolled out with."""
    remove(connection, deployment, name)
    sealed = vault.seal(value, deployment.name, _label(name))
    row = {"deployment_id": deployment.id, "name": name, "ciphertext": sealed, "changed": now}
    connection.execute(insert(secrets).values(**row, newest=True))


def add_version(
    connection: Connection, vault: Vault, deployment: Deployment, name: str, value: str, now: float
) -> int:
    """A version that only a release which names it sees, until `make_newest`."""
    sealed = vault.seal(value, deployment.name, _label(name))
    row = {"deployment_id": deployment.id, "name": name, "ciphertext": sealed, "changed": now}
    result = connection.execute(insert(secrets).values(**row, newest=False))
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def make_newest(connection: Connection, deployment: Deployment, versions: Versions) -> None:
    """What the releases to come are rolled out with, for each of these names."""
    for name, version in versions.items():
        remove(connection, deployment, name)
        connection.execute(update(secrets).where(secrets.c.version == version).values(newest=True))


def remove(connection: Connection, deployment: Deployment, name: str) -> bool:
    """From the releases to come. Whether there was one of that name."""
    chosen = (secrets.c.deployment_id == deployment.id) & (secrets.c.name == name) & secrets.c.newest
    return bool(connection.execute(update(secrets).where(chosen).values(newest=False)).rowcount)


def listed(connection: Connection, deployment: Deployment) -> list[SecretRecord]:
    """By name, without values."""
    chosen = (secrets.c.deployment_id == deployment.id) & secrets.c.newest
    rows = connection.execute(
        select(secrets.c.name, secrets.c.changed).where(chosen).order_by(secrets.c.name)
    )
    return [SecretRecord(name=name, changed=changed) for name, changed in rows]


def newest(connection: Connection, deployment_id: int) -> dict[str, int]:
    """The versions that a release which begins now is rolled out with."""
    chosen = (secrets.c.deployment_id == deployment_id) & secrets.c.newest
    rows = connection.execute(select(secrets.c.name, secrets.c.version).where(chosen))
    return {str(name): int(version) for name, version in rows}


def values(
    connection: Connection, vault: Vault, deployment: Deployment, versions: Versions
) -> dict[str, str]:
    """The values of these versions; those that are not kept any more are left out."""
    wanted = set(versions.values())
    return {
        name: value for version, name, value in _opened(connection, vault, deployment) if version in wanted
    }


def all_values(connection: Connection, vault: Vault, deployment: Deployment) -> list[tuple[str, str]]:
    """Every kept value with its name, older ones among them."""
    return [(name, value) for _, name, value in _opened(connection, vault, deployment)]


def are_kept(connection: Connection, versions: Versions) -> bool:
    wanted = set(versions.values())
    found = connection.execute(select(secrets.c.version).where(secrets.c.version.in_(wanted))).scalars()
    return set(found) == wanted


def reseal(connection: Connection, vault: Vault) -> int:
    """Under the key that seals now; how many."""
    query = select(
        secrets.c.version, secrets.c.name, secrets.c.ciphertext, deployments.c.name.label("deployment")
    )
    rows = connection.execute(query.join(deployments)).all()
    for row in rows:
        sealed = vault.reseal(row.ciphertext, row.deployment, _label(row.name))
        connection.execute(update(secrets).where(secrets.c.version == row.version).values(ciphertext=sealed))
    return len(rows)


def prune(connection: Connection, needed: Collection[int]) -> None:
    """Remove the versions that are neither the newest nor needed."""
    older = connection.execute(select(secrets.c.version).where(~secrets.c.newest)).scalars()
    gone = set(older) - set(needed)
    if gone:
        connection.execute(delete(secrets).where(secrets.c.version.in_(gone)))


def _opened(connection: Connection, vault: Vault, deployment: Deployment) -> list[tuple[int, str, str]]:
    rows = connection.execute(
        select(secrets.c.version, secrets.c.name, secrets.c.ciphertext)
        .where(secrets.c.deployment_id == deployment.id)
        .order_by(secrets.c.version)
    )
    return [
        (version, name, vault.unseal(sealed, deployment.name, _label(name))) for version, name, sealed in rows
    ]


def _label(name: str) -> str:
    """A generated value of the same name is sealed under another one, so neither passes for the other."""
    return f"secret {name}"
