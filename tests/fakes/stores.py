"""A migrated store of a test's own, on the database that pytest's option `--store` names."""

from __future__ import annotations

from pathlib import Path

from calzion.controller.store.database import migrate
from tests.fakes.postgres import postgres

POSTGRESQL = "postgresql"
KINDS = ("sqlite", POSTGRESQL)

CHOSEN = {"store": KINDS[0]}


def new_store(directory: Path) -> str:
    """Its URL."""
    return migrated(CHOSEN["store"], directory)


def migrated(kind: str, directory: Path) -> str:
    """The URL of a store of this kind; what is a file lies in `directory`, as calzion.db."""
    if kind == POSTGRESQL:
        return postgres().create_migrated()
    url = f"sqlite:///{directory}/calzion.db"
    migrate(url, directory / "lock")
    return url
