from __future__ import annotations

from pathlib import Path

import pytest

from calzion.model import Endpoint
from calzion.routing.state import Placed, RouterState, load_state, save_state, state_file

STATE = RouterState(
    pools={"web v1": Placed(slot="http_0", endpoints=(Endpoint("::1", 5000), Endpoint("127.0.0.1", 1)))},
    routes={"h:a.test": "http_0"},
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save_state(tmp_path / "router", STATE)
    assert load_state(tmp_path / "router") == STATE
    assert [file.name for file in (tmp_path / "router").iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"pools": {"a": 1}, "routes": {}}', '{"routes": []}', "\0"]
)
def test_what_can_not_be_read_is_empty(tmp_path: Path, text: str) -> None:
    state_file(tmp_path).write_text(text)
    assert load_state(tmp_path) == RouterState()


def test_nothing_yet(tmp_path: Path) -> None:
    assert load_state(tmp_path / "none") == RouterState()
