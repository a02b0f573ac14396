"""Opening the store: durable commits, one writer at a time; migrated by one part alone."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from calzion.controller.store.dialect import Dialect, dialect
from calzion.errors import CalzionError, full_disk

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


class Database:
    """Transactions on the store. A connection belongs to the thread that opened it for as long as it is used.

    Both raise CalzionError: (failed) where the disk is full, (unreachable) where the store does not answer; of a
    transaction that writes, nothing is kept then.
    """

    def __init__(self, url: str) -> None:
        self._dialect = dialect(url)
        self._engine = self._dialect.engine()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its first statement on."""
        with self._transaction(self._dialect.begin_write) as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent snapshot."""
        with self._transaction(self._dialect.begin_read) as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _transaction(self, begin: Callable[[Connection], None]) -> Iterator[Connection]:
        with _told(self._dialect), self._engine.connect() as connection:
            begin(connection)
            yield connection
            connection.commit()


@contextmanager
def _told(of: Dialect) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if of.is_full(error):
            raise full_disk() from error
        if error.connection_invalidated or _is_away(error):
            raise CalzionError(
                "the store does not answer",
                hint="see that its database runs, and do the same again",
                code="unreachable",
                detail=str(error.orig).splitlines()[:1],
            ) from error
        raise


def _is_away(error: DBAPIError) -> bool:
    """Whether no connection was made: there was no statement then."""
    return isinstance(error, OperationalError) and error.statement is None


def _alembic(url: str) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def migrate(url: str, lock: Path) -> None:
    """Bring the schema to this version, under a lock; only the reconciler does this.

    Raises CalzionError (failed) where the store was written by a newer version, (unreachable) where it does not answer.
    """
    from alembic import command
    from alembic.util import CommandError

    with lock.open("w") as handle, _told(dialect(url)):
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            command.upgrade(_alembic(url), "head")
        except CommandError as error:
            raise CalzionError(
                "the store was written by a newer version of Calzion",
                hint="install that version again, or restore a backup",
            ) from error
    if file := _file(url):
        file.chmod(0o600)


def check_schema(url: str) -> None:
    """Raises CalzionError (failed) where the schema isn't the one of this version, (unreachable) without an answer."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(_alembic(url)).get_current_head()
    of = dialect(url)
    engine = of.engine()
    try:
        with _told(of), engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    if found != head:
        raise CalzionError(
            f"the store's schema is {found or 'missing'}, this version needs {head}",
            hint="start the reconciler first: it migrates the store",
        )


def _file(url: str) -> Path | None:
    parsed = make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None
