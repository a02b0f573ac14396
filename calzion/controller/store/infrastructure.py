"""The infrastructure file that was applied last, and the domains there are."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select

from calzion.controller.store.schema import domains, installation
from calzion.infrastructure.declaration import Declaration, Domain

_NAME = "infrastructure"


def declared(connection: Connection) -> Declaration:
    """An empty one before any was applied."""
    found = connection.execute(select(installation.c.value).where(installation.c.name == _NAME)).scalar()
    return Declaration.of(found) if found else Declaration()


def declare(connection: Connection, declaration: Declaration) -> None:
    connection.execute(delete(installation).where(installation.c.name == _NAME))
    connection.execute(insert(installation).values(name=_NAME, value=declaration.to_data()))


def all_domains(connection: Connection) -> dict[str, Domain]:
    rows = connection.execute(select(domains.c.host, domains.c.settings).order_by(domains.c.host))
    return {host: Domain.of(settings) for host, settings in rows}


def set_domains(connection: Connection, changed: Mapping[str, Domain | None]) -> None:
    """None removes a domain."""
    connection.execute(delete(domains).where(domains.c.host.in_(list(changed))))
    for host, domain in changed.items():
        if domain is not None:
            connection.execute(insert(domains).values(host=host, settings=domain.to_data()))
