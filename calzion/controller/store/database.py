"""Opening the store: SQLite in WAL mode, durable commits, one writer at a time; migrated by one part alone."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError

from calzion.errors import CalzionError, full_disk

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


class Database:
    """Transactions on the store. A connection belongs to the thread that opened it for as long as it is used.

    Both raise CalzionError (failed) where the disk is full; of a transaction that writes, nothing is kept then.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its first statement on."""
        with _full_disk_told(), self._engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent snapshot."""
        with _full_disk_told(), self._engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN")
            yield connection

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if "disk is full" not in str(error.orig):
            raise
        raise full_disk() from error


def _engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": 30})
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    # The driver's own transaction handling would begin deferred transactions, which fail instead of waiting when
    # a reader turns writer.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _alembic(url: str) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def migrate(url: str, lock: Path) -> None:
    """Bring the schema to this version, under a lock; only the reconciler does this.

    Raises CalzionError (failed) where the store was written by a newer version.
    """
    from alembic import command
    from alembic.util import CommandError

    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            command.upgrade(_alembic(url), "head")
        except CommandError as error:
            raise CalzionError(
                "the store was written by a newer version of Calzion",
                hint="install that version again, or restore a backup",
            ) from error
    database = make_url(url).database
    if database:
        Path(database).chmod(0o600)


def check_schema(url: str) -> None:
    """Raises CalzionError (failed) where the schema isn't the one of this version."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(_alembic(url)).get_current_head()
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    if found != head:
        raise CalzionError(
            f"the store's schema is {found or 'missing'}, this version needs {head}",
            hint="start the reconciler first: it migrates the store",
        )
