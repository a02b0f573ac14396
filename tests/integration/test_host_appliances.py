"""The database and the cache that the host runs itself, with their real clients."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from calzion.host.appliance import find_appliance
from calzion.model import Exit, InstanceState, RunSpec, Volume
from tests.fakes.host import Host, eventually

HARD = "a'b\"c\\d $x;`"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path / "data")
    yield host
    host.close()


@pytest.fixture
def address() -> str:
    """A loopback address that no other test of this machine uses at the same time."""
    number = os.getpid()
    return f"127.{101 + number % 100}.{number // 256 % 256}.{1 + number % 250}"


def order(host: Host, kind: str, address: str, env: dict[str, str]) -> RunSpec:
    volumes = (Volume(name=f"{kind}.data", path="/data"),)
    port = 5432 if kind == "postgres" else 6379
    return host.spec("", appliance=kind, slug=None, address=address, port=port, env=env, volumes=volumes)


def postgres(host: Host, address: str, password: str) -> RunSpec:
    if find_appliance("postgres") is None:
        pytest.skip("needs a PostgreSQL server")
    names = {"POSTGRES_USER": "app", "POSTGRES_DB": "my-db", "POSTGRES_PASSWORD": password}
    return order(host, "postgres", address, names)


def connect(address: str, password: str) -> psycopg.Connection[tuple[object, ...]] | None:
    try:
        return psycopg.connect(host=address, dbname="my-db", user="app", password=password, autocommit=True)
    except psycopg.OperationalError:
        return None


def test_a_database_is_made_once_and_keeps_its_data(host: Host, address: str) -> None:
    first = postgres(host, address, HARD)
    host.backend.ensure([first])
    with eventually(lambda: connect(address, HARD)) as database:
        assert database.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        database.execute("CREATE TABLE t AS SELECT 5 AS x")
    assert connect(address, "wrong") is None
    assert str(host.backend.endpoint(first.id, 5432)) == f"{address}:5432"
    open_client = connect(address, HARD)
    host.backend.stop([first.id])  # a client that stays connected does not delay it
    assert host.instance(first.id).exit == Exit(status=0)
    assert open_client is not None and open_client.info.dbname == "my-db"

    host.backend.ensure([postgres(host, address, "another")])
    with eventually(lambda: connect(address, "another")) as database:
        assert database.execute("SELECT x FROM t").fetchone() == (5,)
    assert connect(address, HARD) is None


def test_a_database_recovers_when_it_is_killed(host: Host, address: str) -> None:
    spec = postgres(host, address, "secret")
    host.backend.ensure([spec])
    with eventually(lambda: connect(address, "secret")) as database:
        database.execute("CREATE TABLE t AS SELECT 7 AS x")
    pid = host.instance(spec.id).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: host.instance(spec.id).restarts == 1)
    with eventually(lambda: connect(address, "secret")) as database:
        assert database.execute("SELECT x FROM t").fetchone() == (7,)


def test_a_database_whose_making_was_interrupted_is_made_again(host: Host, address: str) -> None:
    half = host.layout.volumes / "demo" / "postgres.data" / ".new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    host.backend.ensure([postgres(host, address, "secret")])
    with eventually(lambda: connect(address, "secret")) as database:
        assert database.execute("SELECT 1").fetchone() == (1,)


def test_the_data_of_another_major_version_is_refused(host: Host, address: str) -> None:
    data = host.layout.volumes / "demo" / "postgres.data" / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    spec = postgres(host, address, "secret")
    host.backend.ensure([spec])
    eventually(lambda: host.instance(spec.id).state is InstanceState.WAITING)
    assert "was written by PostgreSQL 9" in host.backend.tail(spec.id, 1)[0]


def test_redis_keeps_its_data_and_its_password(host: Host, address: str) -> None:
    if find_appliance("redis") is None:
        pytest.skip("needs a redis server")
    spec = order(host, "redis", address, {"REDIS_PASSWORD": HARD})
    host.backend.ensure([spec])
    eventually(lambda: host.backend.endpoint(spec.id, 6379))
    with redis.Redis(address, 6379, password=HARD) as client:
        client.set("x", "1")
    once = Retry(NoBackoff(), 0)
    with redis.Redis(address, 6379, retry=once) as client, pytest.raises(redis.AuthenticationError):
        client.get("x")
    assert HARD.encode() not in Path(f"/proc/{host.instance(spec.id).pid}/cmdline").read_bytes()
    host.backend.stop([spec.id])
    assert host.instance(spec.id).exit == Exit(status=0)

    open_to_all = order(host, "redis", address, {"REDIS_PASSWORD": ""})
    host.backend.ensure([open_to_all])
    eventually(lambda: host.backend.endpoint(open_to_all.id, 6379))
    with redis.Redis(address, 6379) as client:
        assert client.get("x") == b"1"
