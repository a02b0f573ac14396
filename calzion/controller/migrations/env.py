"""Alembic's entry: online migrations, with SQLite's foreign keys off outside the transaction.

Batch migrations rebuild a table by dropping it; with foreign keys on that deletes the rows that refer to it.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine

from calzion.controller.store.schema import metadata


def run() -> None:
    url = context.config.get_main_option("sqlalchemy.url")
    assert url is not None
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.commit()
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
