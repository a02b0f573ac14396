"""Deployments and what is theirs for life: uid, stable addresses, generated values, formation."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from calzion.controller.store.schema import addresses, deployments, formations, generated, installation
from calzion.controller.vault import Vault
from calzion.controller.vault import generate as random_value
from calzion.errors import CalzionError
from calzion.model import DeploymentName, Generate, ServiceName
from calzion.template.spelling import nearest

FIRST_UID = 200_001
"""Above the range of system and login users, and of a container engine's subordinate ids on common systems."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """`copying`: what its volumes hold was copied for a release that has not gone live, and goes with it.

    `ttl` is how many seconds it was given to live, 0 for ever; `expires` is when they are over.
    """

    id: int
    name: DeploymentName
    repository: str | None
    uid: int
    created: float
    destroying: bool
    copying: bool = False
    ttl: int = 0
    expires: float | None = None


def create(connection: Connection, name: DeploymentName, repository: str | None, now: float) -> Deployment:
    """Return the deployment, made where it was missing; a repository is recorded by the first that names one."""
    found = find(connection, name)
    if found is None:
        highest = connection.execute(select(func.max(deployments.c.uid))).scalar()
        uid = max(highest or 0, FIRST_UID - 1) + 1
        values = {
            "name": str(name),
            "repository": repository,
            "uid": uid,
            "created": now,
            "destroying": False,
        }
        connection.execute(insert(deployments).values(**values))
    elif repository and found.repository is None:
        connection.execute(
            update(deployments).where(deployments.c.id == found.id).values(repository=repository)
        )
    else:
        return found
    created = find(connection, name)
    assert created is not None
    return created


def provisional(name: DeploymentName, repository: str | None) -> Deployment:
    """A deployment that is not there: nothing in the store is its own."""
    return Deployment(id=0, name=name, repository=repository, uid=0, created=0.0, destroying=False)


def find(connection: Connection, name: str) -> Deployment | None:
    row = connection.execute(select(deployments).where(deployments.c.name == str(name))).one_or_none()
    return _deployment(row) if row else None


def get(connection: Connection, name: str) -> Deployment:
    """Raises CalzionError (not_found), with the name that was meant where one is near."""
    found = find(connection, name)
    if found is None:
        meant = nearest(name, [each.name for each in all_deployments(connection)])
        raise CalzionError(
            f"there is no deployment {name}{f'; did you mean {meant}?' if meant else ''}",
            hint="'calzion list' shows those there are",
            code="not_found",
        )
    return found


def by_id(connection: Connection, id: int) -> Deployment:
    return _deployment(connection.execute(select(deployments).where(deployments.c.id == id)).one())


def all_deployments(connection: Connection) -> list[Deployment]:
    return [_deployment(row) for row in connection.execute(select(deployments).order_by(deployments.c.name))]


def mark_destroying(connection: Connection, id: int) -> None:
    connection.execute(update(deployments).where(deployments.c.id == id).values(destroying=True))


def set_copying(connection: Connection, id: int, copying: bool) -> None:
    connection.execute(update(deployments).where(deployments.c.id == id).values(copying=copying))


def set_ttl(connection: Connection, id: int, ttl: int, now: float) -> None:
    """Let the deployment live for `ttl` seconds from now, or, with 0, for ever."""
    values = {"ttl": ttl, "expires": now + ttl if ttl else None}
    connection.execute(update(deployments).where(deployments.c.id == id).values(**values))


def remove(connection: Connection, id: int) -> None:
    connection.execute(delete(deployments).where(deployments.c.id == id))


def address(
    connection: Connection,
    id: int,
    service: ServiceName,
    within: ipaddress.IPv4Network,
    usable: Callable[[str], bool],
) -> str:
    """The service's stable address, chosen at first call among those `within` a range that are `usable`."""
    found = known_address(connection, id, service)
    if found is not None:
        return found
    candidate = _next_address(connection, within)
    while not usable(str(ipaddress.IPv4Address(candidate))) or _taken(connection, candidate):
        candidate = _after(candidate, within)
    connection.execute(insert(addresses).values(address=candidate, deployment_id=id, service=str(service)))
    _remember_address(connection, candidate)
    return str(ipaddress.IPv4Address(candidate))


def known_address(connection: Connection, id: int, service: str) -> str | None:
    mine = (addresses.c.deployment_id == id) & (addresses.c.service == service)
    found = connection.execute(select(addresses.c.address).where(mine)).scalar()
    return str(ipaddress.IPv4Address(found)) if found is not None else None


def _next_address(connection: Connection, within: ipaddress.IPv4Network) -> int:
    # A random start keeps two installations on one machine apart; going on from the last one used keeps an
    # address from going to another service while clients may still hold it.
    last = connection.execute(select(installation.c.value).where(installation.c.name == "address")).scalar()
    if last is not None and ipaddress.IPv4Address(int(last)) in within:
        return _after(int(last), within)
    return int(within[1 + secrets.randbelow(within.num_addresses - 2)])


def _after(candidate: int, within: ipaddress.IPv4Network) -> int:
    return int(within[1]) + (candidate - int(within[1]) + 1) % (within.num_addresses - 2)


def _taken(connection: Connection, candidate: int) -> bool:
    return connection.execute(select(addresses).where(addresses.c.address == candidate)).first() is not None


def _remember_address(connection: Connection, candidate: int) -> None:
    connection.execute(delete(installation).where(installation.c.name == "address"))
    connection.execute(insert(installation).values(name="address", value=candidate))


def ensure_generated(
    connection: Connection, vault: Vault, deployment: Deployment, rules: Iterable[Generate]
) -> None:
    """Make the values that are missing; those that exist stay as they are."""
    present = set(
        connection.execute(
            select(generated.c.name).where(generated.c.deployment_id == deployment.id)
        ).scalars()
    )
    for rule in rules:
        if rule.name not in present:
            sealed = vault.seal(random_value(rule.length), deployment.name, rule.name)
            connection.execute(
                insert(generated).values(deployment_id=deployment.id, name=rule.name, ciphertext=sealed)
            )


def generated_values(connection: Connection, vault: Vault, deployment: Deployment) -> dict[str, str]:
    rows = connection.execute(
        select(generated.c.name, generated.c.ciphertext).where(generated.c.deployment_id == deployment.id)
    )
    return {name: vault.unseal(sealed, deployment.name, name) for name, sealed in rows}


def reseal(connection: Connection, vault: Vault) -> int:
    """Generated values under the key that seals now; how many."""
    query = select(generated, deployments.c.name.label("deployment")).join(deployments)
    rows = connection.execute(query).all()
    for row in rows:
        sealed = vault.reseal(row.ciphertext, row.deployment, row.name)
        mine = (generated.c.deployment_id == row.deployment_id) & (generated.c.name == row.name)
        connection.execute(update(generated).where(mine).values(ciphertext=sealed))
    return len(rows)


def set_generated(
    connection: Connection, vault: Vault, deployment: Deployment, values: Mapping[str, str]
) -> None:
    """Have it begin with these values instead of new ones."""
    mine = (generated.c.deployment_id == deployment.id) & generated.c.name.in_(values)
    connection.execute(delete(generated).where(mine))
    for name, value in values.items():
        sealed = vault.seal(value, deployment.name, name)
        connection.execute(
            insert(generated).values(deployment_id=deployment.id, name=name, ciphertext=sealed)
        )


def forget_beginnings(connection: Connection, id: int) -> None:
    """Generated values and formation, of one that has never lived: both are made anew."""
    for table in (generated, formations):
        connection.execute(delete(table).where(table.c.deployment_id == id))


def formation(connection: Connection, id: int) -> dict[tuple[str, str], int]:
    """How many instances were asked for, by (service, process type); what is not in it runs once."""
    rows = connection.execute(select(formations).where(formations.c.deployment_id == id))
    return {(service, kind): count for _, service, kind, count in rows}


def set_formation(connection: Connection, id: int, counts: Mapping[tuple[str, str], int]) -> None:
    for (service, process_type), count in counts.items():
        key = (
            (formations.c.deployment_id == id)
            & (formations.c.service == service)
            & (formations.c.process_type == process_type)
        )
        connection.execute(delete(formations).where(key))
        connection.execute(
            insert(formations).values(
                deployment_id=id, service=service, process_type=process_type, count=count
            )
        )


def _deployment(row: Row[tuple[object, ...]]) -> Deployment:
    data = row._mapping
    return Deployment(
        id=data["id"],
        name=DeploymentName(data["name"]),
        repository=data["repository"],
        uid=data["uid"],
        created=data["created"],
        destroying=data["destroying"],
        copying=data["copying"],
        ttl=data["ttl"],
        expires=data["expires"],
    )
