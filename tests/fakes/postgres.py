"""A PostgreSQL of the tests' own, reached by a unix socket alone, with a database for whoever asks."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import URL, create_engine, text

from calzion.controller.store.database import migrate
from calzion.host.appliance import find_appliance

NOBODY = 65534
_TEMPLATE = "migrated"
_names = itertools.count(1)


class Postgres:
    """It forgets what it has when the power goes, which is fast, and ends with the process."""

    def __init__(self) -> None:
        appliance = find_appliance("postgres")
        assert appliance, "the environment has a PostgreSQL"
        self._programs = appliance.programs
        self.root = Path(tempfile.mkdtemp(prefix="czpg"))
        self._files = self.root / "files"
        self._files.mkdir()
        if os.geteuid() == 0:
            os.chown(self.root, NOBODY, NOBODY)
            os.chown(self._files, NOBODY, NOBODY)
        self._call(
            "initdb", "--pgdata", self._files, "--username", "calzion", "--no-sync", "--locale", "C.UTF-8"
        )
        self.start()

    def url(self, database: str) -> str:
        return URL.create(
            "postgresql", username="calzion", database=database, query={"host": str(self.root)}
        ).render_as_string(hide_password=False)

    def start(self) -> None:
        options = f"-k {self.root} -c listen_addresses= -c fsync=off -c max_connections=400"
        self._call("pg_ctl", "-D", self._files, "-w", "-l", self.root / "log", "-o", options, "start")

    def stop(self) -> None:
        self._call("pg_ctl", "-D", self._files, "-m", "immediate", "stop")

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.root)

    def create(self, template: str = "template1") -> str:
        """A database's URL."""
        name = f"store{next(_names)}"
        self._statement(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def create_migrated(self) -> str:
        """One whose tables are there."""
        self._template()
        return self.create(_TEMPLATE)

    def end_backend(self, pid: int) -> None:
        self._statement(f"SELECT pg_terminate_backend({pid}, 5000)")

    @cache  # noqa: B019 - there is one server for a process
    def _template(self) -> None:
        self._statement(f"CREATE DATABASE {_TEMPLATE}")
        migrate(self.url(_TEMPLATE), self.root / "lock")

    def _statement(self, statement: str) -> None:
        engine = create_engine(
            self.url("postgres").replace("postgresql", "postgresql+psycopg", 1), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def _call(self, program: str, *arguments: str | Path) -> None:
        leave = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        subprocess.run(
            [*(leave if os.geteuid() == 0 else []), self._programs / program, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.root,
        )


@cache
def postgres() -> Postgres:
    server = Postgres()
    atexit.register(server.close)
    return server
