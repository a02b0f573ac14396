from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.routing.ports import COUNT, FIRST, open_block, ports_file


def _ports(sockets: list[socket.socket]) -> list[int]:
    return [each.getsockname()[1] for each in sockets]


def _close(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


def test_a_block_is_chosen_and_kept(tmp_path: Path) -> None:
    sockets = open_block(tmp_path)
    ports = _ports(sockets)
    _close(sockets)
    assert len(ports) == COUNT
    assert ports == list(range(ports[0], ports[0] + COUNT))
    assert (ports[0] - FIRST) % COUNT == 0
    assert json.loads(ports_file(tmp_path).read_text()) == ports
    again = open_block(tmp_path)
    assert _ports(again) == ports
    _close(again)


def test_another_installation_gets_another_block(tmp_path: Path) -> None:
    one, two = open_block(tmp_path / "one"), open_block(tmp_path / "two")
    assert not set(_ports(one)) & set(_ports(two))
    _close(one + two)


def test_a_kept_block_that_is_taken_is_an_error(tmp_path: Path) -> None:
    sockets = open_block(tmp_path)
    with pytest.raises(CalzionError, match="are taken") as caught:
        open_block(tmp_path)
    assert caught.value.code == "conflict"
    _close(sockets)
