"""Every database that can be the store keeps the same promises."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, make_url

from calzion.controller.store import deployments
from calzion.controller.store.database import Database, check_schema, migrate
from calzion.controller.store.schema import metadata
from calzion.errors import CalzionError
from calzion.model import DeploymentName
from tests.fakes.postgres import postgres
from tests.fakes.stores import KINDS, migrated

ONE, TWO = DeploymentName("one"), DeploymentName("two")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return migrated(request.param, tmp_path)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def create(database: Database, name: DeploymentName) -> None:
    with database.write() as connection:
        deployments.create(connection, name, None, 0.0)


def names(database: Database) -> set[str]:
    with database.read() as connection:
        return {each.name for each in deployments.all_deployments(connection)}


def test_the_migrated_tables_are_those_of_the_schema(url: str) -> None:
    check_schema(url)
    parsed = make_url(url)
    driver = "postgresql+psycopg" if parsed.get_backend_name() == "postgresql" else "sqlite"
    with create_engine(parsed.set(drivername=driver)).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_store_that_is_migrated_already_is_left_alone(url: str, database: Database, tmp_path: Path) -> None:
    create(database, ONE)
    migrate(url, tmp_path / "again")
    assert names(database) == {ONE}


def test_nothing_is_kept_of_a_transaction_that_fails(database: Database) -> None:
    with pytest.raises(KeyError), database.write() as connection:
        deployments.create(connection, ONE, None, 0.0)
        raise KeyError
    assert names(database) == set()


def test_a_reader_sees_one_moment(database: Database) -> None:
    with database.read() as connection:
        before = deployments.all_deployments(connection)
        create(database, ONE)
        assert deployments.all_deployments(connection) == before
    assert names(database) == {ONE}


def test_a_reader_can_change_nothing_for_others(database: Database) -> None:
    create(database, ONE)
    with database.write() as connection:
        deployments.create(connection, TWO, None, 0.0)
        assert names(database) == {ONE}
    assert names(database) == {ONE, TWO}


def test_of_two_writers_one_waits(database: Database) -> None:
    """Each counts what there is and adds that many: nothing is lost, as nothing comes in between."""
    begun = threading.Barrier(8)

    def add() -> None:
        begun.wait(10)
        with database.write() as connection:
            count = len(deployments.all_deployments(connection))
            deployments.create(connection, DeploymentName(f"number-{count}"), None, 0.0)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert names(database) == {f"number-{number}" for number in range(8)}


def test_the_full_disk_of_a_postgresql_is_told() -> None:
    database = Database(postgres().create())
    full = "DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
    with (
        pytest.raises(CalzionError, match="the disk that holds Calzion's data is full"),
        database.write() as connection,
    ):
        connection.exec_driver_sql("CREATE TABLE things (value TEXT)")
        connection.exec_driver_sql(full)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT to_regclass('things')").scalar() is None


def test_a_postgresql_that_is_away_is_told_and_found_again() -> None:
    server = postgres()
    database = Database(server.create_migrated())
    create(database, ONE)
    server.stop()
    try:
        for _ in range(2):
            with pytest.raises(CalzionError, match="the store does not answer") as caught:
                create(database, TWO)
            assert caught.value.code == "unreachable"
    finally:
        server.start()
    create(database, TWO)
    assert names(database) == {ONE, TWO}


def test_a_connection_that_is_cut_in_a_transaction_keeps_nothing_of_it() -> None:
    server = postgres()
    database = Database(server.create_migrated())
    with pytest.raises(CalzionError, match="the store does not answer"), database.write() as connection:
        deployments.create(connection, ONE, None, 0.0)
        own = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        server.end_backend(own)
        deployments.create(connection, TWO, None, 0.0)
    assert names(database) == set()
