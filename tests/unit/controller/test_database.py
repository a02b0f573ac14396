from __future__ import annotations

from pathlib import Path

import pytest

from calzion.controller.store.database import Database
from calzion.errors import CalzionError


def test_a_full_disk_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/store.db")
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE things (value TEXT)")
    with (
        pytest.raises(CalzionError, match="the disk that holds Calzion's data is full"),
        database.write() as connection,
    ):
        connection.exec_driver_sql("PRAGMA max_page_count = 3")
        for _ in range(5):
            connection.exec_driver_sql("INSERT INTO things VALUES (?)", ("x" * 4096,))
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM things").scalar() == 0
