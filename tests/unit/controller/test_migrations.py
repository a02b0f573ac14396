"""What an upgrade makes of what an older version wrote."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config

from calzion.controller.store import keys
from calzion.controller.store.database import MIGRATIONS, Database, migrate


def test_keys_without_patterns_go_on_as_before(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, "0013")
    with sqlite3.connect(tmp_path / "store.db") as connection:
        for name, allow in (("alice", "[]"), ("bob", '["bobs-*"]')):
            connection.execute(
                "INSERT INTO ssh_keys (name, fingerprint, type, blob, allow, admin, added)"
                " VALUES (?, ?, 'ssh-ed25519', '', ?, 0, 0)",
                (name, name, allow),
            )
    migrate(url, tmp_path / "lock")
    with Database(url).read() as connection:
        found = {key.name: (key.allow, key.repositories) for key in keys.all_keys(connection)}
    assert found == {"alice": (("*",), ()), "bob": (("bobs-*",), ())}
