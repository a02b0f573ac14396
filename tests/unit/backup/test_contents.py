"""backup.json: what is written is read, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from calzion.backup.contents import BackedUpKey, BackedUpLogin, Contents
from calzion.errors import CalzionError
from calzion.model import DeploymentName

CONTENTS = Contents(
    made="2030-01-01T00:00:00+00:00",
    version="1.0",
    deployments=(DeploymentName("shop"),),
    keys=(
        BackedUpKey(
            name="alice", line="ssh-ed25519 AAAA", allow=("shop",), admin=True, repositories=("shop",)
        ),
    ),
    logins=(BackedUpLogin(host="registry.example.com", user="ci", password="pa55"),),
    host_keys={"host_ed25519": "a key"},
)


def test_what_is_written_is_read() -> None:
    assert Contents.parse(CONTENTS.to_json()) == CONTENTS


def test_nothing_shows_the_secrets_of_it() -> None:
    assert "pa55" not in repr(CONTENTS) and "a key" not in repr(CONTENTS)


def changed(**values: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda data: data | values


@pytest.mark.parametrize(
    "change",
    [
        lambda _: [],
        changed(format=2),
        changed(deployments=["../../etc"]),
        changed(deployments="shop"),
        changed(deployments=None),
        changed(keys=[{"name": "alice"}]),
        changed(registries=[{"host": "h", "user": 1, "password": "p"}]),
        changed(host_keys={"../host_rsa": "x"}),
        changed(host_keys={"authorized_keys": "x"}),
        changed(made=3),
    ],
)
def test_what_no_backup_writes_is_refused(change: Callable[[dict[str, Any]], Any]) -> None:
    content = json.dumps(change(json.loads(CONTENTS.to_json()))).encode()
    with pytest.raises(CalzionError) as raised:
        Contents.parse(content)
    assert raised.value.code == "usage"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"null"])
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(CalzionError, match=r"backup\.json is damaged"):
        Contents.parse(content)
