"""What differs between the databases that can be the store: SQLite in DATA, or a PostgreSQL."""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError

from calzion.errors import CalzionError

_WRITER = 0x43616C7A696F6E
"""The advisory lock of whoever writes to a PostgreSQL: any number would do that nobody else takes."""

_DISK_FULL = "53100"
_CONNECT_TIMEOUT = 10


class Dialect(Protocol):
    """How to open transactions. Of several that write, one at a time is under way: the others wait for it."""

    def engine(self) -> Engine: ...

    def begin_write(self, connection: Connection) -> None: ...

    def begin_read(self, connection: Connection) -> None:
        """A snapshot that no later commit of others shows in."""

    def is_full(self, error: DBAPIError) -> bool: ...


def dialect(url: str) -> Dialect:
    """Raises CalzionError (usage) where the database is of another kind, or its driver is not installed."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _Sqlite(parsed)
    return _Postgresql(parsed)


class _Sqlite:
    def __init__(self, url: URL) -> None:
        self._url = url

    def engine(self) -> Engine:
        engine = create_engine(self._url, connect_args={"timeout": 30})
        event.listen(engine, "connect", self._prepare)
        return engine

    def begin_write(self, connection: Connection) -> None:
        connection.begin()
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def begin_read(self, connection: Connection) -> None:
        connection.begin()
        connection.exec_driver_sql("BEGIN")

    def is_full(self, error: DBAPIError) -> bool:
        return "disk is full" in str(error.orig)

    @staticmethod
    def _prepare(connection: Any, _record: object) -> None:
        # The driver's own transaction handling would begin deferred transactions, which fail instead of waiting when
        # a reader turns writer.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


class _Postgresql:
    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+psycopg")

    def engine(self) -> Engine:
        try:
            # Connections of before a restart of the database are noticed when they are taken, not when they fail.
            return create_engine(
                self._url, pool_pre_ping=True, connect_args={"connect_timeout": _CONNECT_TIMEOUT}
            )
        except ModuleNotFoundError as error:
            raise CalzionError(
                "the store is a PostgreSQL, whose driver is not installed",
                hint="pip install 'calzion[postgresql]'",
                code="usage",
            ) from error

    def begin_write(self, connection: Connection) -> None:
        connection.begin()
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")

    def begin_read(self, connection: Connection) -> None:
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        connection.begin()

    def is_full(self, error: DBAPIError) -> bool:
        return getattr(error.orig, "sqlstate", None) == _DISK_FULL
