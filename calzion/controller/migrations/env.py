"""Alembic's entry: online migrations, all in one transaction, with SQLite's foreign keys off outside of it.

Batch migrations rebuild a table by dropping it; with foreign keys on that deletes the rows that refer to it.
"""

from __future__ import annotations

from alembic import context

from calzion.controller.store.dialect import dialect
from calzion.controller.store.schema import metadata


def run() -> None:
    of = dialect(context.config.attributes["url"])
    engine = of.engine()
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.commit()
        of.begin_write(connection)
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        context.run_migrations()
        connection.commit()
    engine.dispose()


run()
