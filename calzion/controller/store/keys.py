"""Users' SSH keys."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, delete, insert, or_, select

from calzion.controller.store.schema import ssh_keys


@dataclass(frozen=True, kw_only=True)
class UserKey:
    """`allow` lists deployment names and patterns such as `myapp-*`; `*` alone is every one.

    `repositories` are those that it may use from the first push on, before a deployment that it may deploy is of them.
    """

    name: str
    fingerprint: str
    type: str
    blob: str
    allow: tuple[str, ...]
    admin: bool
    added: float
    repositories: tuple[str, ...] = ()


def add(connection: Connection, key: UserKey) -> None:
    values = {**key.__dict__, "allow": list(key.allow), "repositories": list(key.repositories)}
    connection.execute(insert(ssh_keys).values(**values))


def by_fingerprint(connection: Connection, fingerprint: str) -> UserKey | None:
    row = connection.execute(select(ssh_keys).where(ssh_keys.c.fingerprint == fingerprint)).one_or_none()
    return _key(row) if row else None


def all_keys(connection: Connection) -> list[UserKey]:
    return [
        _key(row) for row in connection.execute(select(ssh_keys).order_by(ssh_keys.c.name, ssh_keys.c.id))
    ]


def remove(connection: Connection, name_or_fingerprint: str) -> list[UserKey]:
    """Remove the key with that fingerprint, or every key of that name; returns what was removed."""
    chosen = or_(ssh_keys.c.name == name_or_fingerprint, ssh_keys.c.fingerprint == name_or_fingerprint)
    found = [_key(row) for row in connection.execute(select(ssh_keys).where(chosen))]
    connection.execute(delete(ssh_keys).where(chosen))
    return found


def _key(row: Row[tuple[object, ...]]) -> UserKey:
    data = row._mapping
    return UserKey(
        name=data["name"],
        fingerprint=data["fingerprint"],
        type=data["type"],
        blob=data["blob"],
        allow=tuple(data["allow"]),
        admin=data["admin"],
        added=data["added"],
        repositories=tuple(data["repositories"]),
    )
