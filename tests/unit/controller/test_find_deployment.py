"""Names of deployments that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from calzion.controller.store import deployments
from calzion.controller.store.database import Database
from calzion.errors import CalzionError
from calzion.model import DeploymentName
from tests.fakes.stores import new_store


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shop-stagin", "there is no deployment shop-stagin; did you mean shop-staging?"),
        ("blog", "there is no deployment blog"),
    ],
)
def test_the_name_that_was_meant_is_told(tmp_path: Path, name: str, message: str) -> None:
    database = Database(new_store(tmp_path))
    with database.write() as connection:
        deployments.create(connection, DeploymentName("shop-staging"), None, 0.0)
    with database.read() as connection, pytest.raises(CalzionError) as caught:
        deployments.get(connection, name)
    assert caught.value.message == message
    assert caught.value.code == "not_found"
