from __future__ import annotations

from pathlib import Path

import pytest

from calzion.host.record import Record
from calzion.host.status import Status, exit_of_code, exit_of_wait
from calzion.model import Exit


def test_what_bwrap_reports() -> None:
    text = '{ "child-pid": 12, "pid-namespace": 5 }\n{ "exit-code": 3 }\n'
    assert Status.parse(text) == Status(init=12, code=3)
    assert Status.parse('{ "child-pid": 12 }\n{ "exi') == Status(init=12)
    assert Status.parse("") == Status()


@pytest.mark.parametrize(
    ("code", "exit_"),
    [
        (0, Exit(status=0)),
        (1, Exit(status=1)),
        (127, Exit(status=127)),
        (137, Exit(signal="SIGKILL")),
        (143, Exit(signal="SIGTERM")),
        (255, Exit(status=255)),
    ],
)
def test_exit_codes(code: int, exit_: Exit) -> None:
    assert exit_of_code(code) == exit_


def test_wait_statuses() -> None:
    assert exit_of_wait(9) == Exit(signal="SIGKILL")
    assert exit_of_wait(3 << 8) == Exit(status=3)


def test_a_record_is_read_as_it_was_written_or_not_at_all(tmp_path: Path) -> None:
    record = Record(
        id="a",
        deployment="d",
        service="s",
        process_type="web",
        release=1,
        boot="b",
        pid=2,
        start=3,
        started=4.5,
        uid=6,
        ports={"": 7},
    )
    path = tmp_path / "record.json"
    record.write(path)
    assert Record.read(path) == record
    for torn in ("", "{", "[]", '{"id": "a"}'):
        path.write_text(torn)
        assert Record.read(path) is None
    assert Record.read(tmp_path / "none") is None
