"""calzion.toml: what it may hold, and how wrong entries are told."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from calzion.config import SETTINGS, Settings, example_file, find_config_file, load
from calzion.errors import CalzionError


def read(tmp_path: Path, text: str, **flags: str) -> Settings:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    return load(flags, {"HOME": "/home/me"}, file, 1000)


def test_text_and_numbers(tmp_path: Path) -> None:
    found = read(
        tmp_path, 'domain = "example.com"\nbuild-timeout = 90.5\nbuild-parallel = 3\nbuild-memory = "1G"\n'
    )
    assert (found.domain, found.build_timeout, found.build_parallel) == ("example.com", 90.5, 3)
    assert found.origins["domain"] == str(tmp_path / "settings.toml")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("domian = 'x'", "unknown setting 'domian'; did you mean 'domain'?"),
        ("build_timeout = 9", "unknown setting 'build_timeout'; did you mean 'build-timeout'?"),
        ("qqq = 1", "unknown setting 'qqq'"),
        ("[build]\ntimeout = 9", "[build] is a table, and settings stand alone: write build-timeout = ..."),
        ("[domain]\nname = 'x'", "[domain] is a table, and settings stand alone: write domain = ..."),
        ("[[x]]\na = 1", "unknown setting 'x'"),
        ("domain = ['x']", "domain is a list, and takes one value"),
        ("domain = true", "domain is true, and no setting is true or false"),
        ("domain = 5", 'domain takes text in quotes: domain = "5"'),
        ("ssh = 2222", 'ssh takes text in quotes: ssh = "2222"'),
        ("drain-timeout = 2026-01-02", "drain-timeout takes text in quotes"),
        ("drain-timeout = inf", "drain-timeout"),
        ("build-parallel = 1.5", "'1.5' is no whole number"),
    ],
)
def test_what_is_no_setting(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(CalzionError) as raised:
        read(tmp_path, text)
    assert raised.value.code == "usage"
    assert len(raised.value.detail) == 1
    assert sentence in raised.value.detail[0]


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    with pytest.raises(CalzionError) as raised:
        read(tmp_path, "a = 1\nhttp = 'x'\n", ssh="y")
    assert len(raised.value.detail) == 3


@pytest.mark.parametrize(
    "content", [b"domain = ", b"\xff", b"a = 1\na = 2", b"#" * 70_000, b"a = " + b"[" * 5000]
)
def test_what_is_no_file_of_settings(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "calzion.toml"
    file.write_bytes(content)
    with pytest.raises(CalzionError, match=r"calzion\.toml can't be read"):
        load({}, {}, file, 1000)
    with pytest.raises(CalzionError, match="No such file"):
        load({}, {}, tmp_path / "nosuch.toml", 1000)


def test_which_file_is_read(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "CALZION_DATA": str(tmp_path / "data")}
    assert find_config_file({}, environ, 1000) is None
    for folder in ("data", "flagged", ".local/share/calzion"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "calzion.toml").touch()
    assert find_config_file({}, environ, 1000) == tmp_path / "data" / "calzion.toml"
    assert (
        find_config_file({"data": str(tmp_path / "flagged")}, environ, 1)
        == tmp_path / "flagged" / "calzion.toml"
    )
    assert find_config_file({}, {"HOME": str(tmp_path)}, 1) == tmp_path / ".local/share/calzion/calzion.toml"
    environ["CALZION_CONFIG"] = "/etc/nosuch.toml"
    assert find_config_file({}, environ, 1000) == Path("/etc/nosuch.toml")


def test_the_example_holds_every_default(tmp_path: Path) -> None:
    environ = {"HOME": "/home/me"}
    lines = list(example_file(1000, environ))
    assert tomllib.loads("\n".join(lines)) == {}
    text = "\n".join(line.removeprefix("# ") for line in lines if " = " in line)
    assert list(tomllib.loads(text)) == [setting.name for setting in SETTINGS]
    plain, filled = load({}, environ, None, 1000), read(tmp_path, text)
    assert {**vars(plain), "origins": None} == {**vars(filled), "origins": None}
