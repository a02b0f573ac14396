from __future__ import annotations

from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.routing.program import find_haproxy, parse_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("HAProxy version 2.8.25-5cf5d0683 2026/06/26 - https://haproxy.org/\n", (2, 8, 25)),
        ("HAProxy version 2.6.12-1+deb12u4 2026/10/17\n", (2, 6, 12)),
        ("HA-Proxy version 1.8.4 2018\n", None),
        ("HAProxy version 3.3-dev0\n", (3, 3)),
        ("nginx", None),
    ],
)
def test_parse_version(text: str, version: tuple[int, ...] | None) -> None:
    assert parse_version(text) == version


def _pretend(directory: Path, says: str) -> str:
    file = directory / "haproxy"
    file.write_text(f"#!/bin/sh\necho 'HAProxy version {says}'\n")
    file.chmod(0o755)
    return str(directory)


def test_the_systems_own_goes_first(tmp_path: Path) -> None:
    found = find_haproxy(_pretend(tmp_path, "3.0.1"))
    assert (found.path, found.version) == (str(tmp_path / "haproxy"), "3.0.1")


def test_an_old_one_is_passed_over(tmp_path: Path) -> None:
    assert find_haproxy(_pretend(tmp_path, "2.4.9")).path != str(tmp_path / "haproxy")


def test_none_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(CalzionError, match=r"HAProxy 2\.6 or later") as caught:
        find_haproxy(str(tmp_path))
    assert caught.value.code == "unsupported"
