"""The text of unit files, and what is never written into one."""

from __future__ import annotations

from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.systemd.unit import MARK, Unit, data_of, escaped, words
from calzion.systemd.variables import from_environment, parse, render

UNIT = Unit(
    name="calzion-x.service",
    data=Path("/srv/100%/a b"),
    notes=("Why.",),
    sections={"Unit": {"Description": "X"}, "Service": {"ExecStart": "/bin/x", "BindPaths": ("/a", "/b")}},
)


def test_a_unit_is_its_mark_its_notes_and_its_sections() -> None:
    assert UNIT.text() == (
        f"{MARK}\n# Why.\n\n[Unit]\nDescription=X\n\n[Service]\nExecStart=/bin/x\nBindPaths=/a\nBindPaths=/b\n"
        "\n[X-Calzion]\nData=/srv/100%%/a b\n"
    )


def test_a_unit_of_ours_tells_whose_it_is() -> None:
    assert data_of(UNIT.text()) == UNIT.data
    assert data_of(UNIT.text().removeprefix(MARK)) is None
    assert data_of(f"{MARK}\n[Unit]\n") is None


def test_words_with_spaces_are_quoted_and_specifiers_are_doubled() -> None:
    assert words(["/bin/x", Path("/a b"), "50%"]) == '/bin/x "/a b" 50%%'


@pytest.mark.parametrize(
    "path",
    ['/a"b', "/a'b", "/a\\b", "/a\nExecStart=/bin/evil", "/a:b", "/a;b", "/$HOME", "", "/a\tb", "-/a ;"],
)
def test_what_a_unit_file_may_read_otherwise_is_refused(path: str) -> None:
    with pytest.raises(CalzionError, match="can't stand in a unit file"):
        escaped(path)


def test_variables_survive_their_way_through_the_file() -> None:
    given = {"CALZION_DATA": "/a b", "HTTP_PROXY": 'http://u:p"\\$`@proxy', "UV_INDEX": "é #;'", "EMPTY": ""}
    assert parse(render(given)) == given
    assert parse(render({"PEM": "one\ntwo"})) == {}
    assert render({"A": 'b"$c'}).splitlines()[1:] == ['A="b\\"\\$c"']


def test_only_what_the_parts_need_is_taken_from_the_environment() -> None:
    told = {
        "HTTPS_PROXY": "http://p",
        "UV_DEFAULT_INDEX": "http://i",
        "PIP_INDEX_URL": "http://j",
        "HOME": "/root",
    }
    other = {"AWS_SECRET_ACCESS_KEY": "x", "PATH": "/bin", "UV_CACHE_DIR": "/c", "no_proxy": ""}
    assert from_environment({**told, **other}) == told
