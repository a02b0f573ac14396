from __future__ import annotations

from pathlib import Path

import pytest

from calzion.host import logfile
from calzion.host.directory import InstanceDirectory
from calzion.host.logfile import Follower, rotate, tail


@pytest.fixture
def directory(tmp_path: Path) -> InstanceDirectory:
    return InstanceDirectory(tmp_path)


def add(directory: InstanceDirectory, text: str) -> None:
    with directory.log.open("a") as log:
        log.write(text)


def test_the_last_lines(directory: InstanceDirectory) -> None:
    assert tail(directory, 3) == []
    add(directory, "a\nb\r\nc\nopen")
    assert tail(directory, 3) == ["b", "c", "open"]
    assert tail(directory, 99) == ["a", "b", "c", "open"]
    assert tail(directory, 0) == []


def test_the_last_lines_of_a_long_log(directory: InstanceDirectory) -> None:
    add(directory, "".join(f"line {number}\n" for number in range(50_000)))
    assert tail(directory, 20_000) == [f"line {number}" for number in range(30_000, 50_000)]


def test_bytes_that_are_no_text(directory: InstanceDirectory) -> None:
    directory.log.write_bytes(b"caf\xe9\n")
    assert tail(directory, 1) == ["caf\ufffd"]


def test_a_long_log_is_cut_and_the_old_one_is_read_on(
    directory: InstanceDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logfile, "MOST_BYTES", 20)
    add(directory, "one\n")
    rotate(directory, 0.0)
    assert directory.log.read_text() == "one\n"
    add(directory, "two\nthree\nfour\nfive\n")
    rotate(directory, 0.0)
    assert directory.log.read_text() == ""
    add(directory, "six\n")
    assert tail(directory, 3) == ["four", "five", "six"]


def test_following_goes_on_behind_a_cut(directory: InstanceDirectory) -> None:
    add(directory, "before\n")
    follower = Follower(directory)
    assert list(follower.lines()) == []
    add(directory, "one\ntw")
    assert list(follower.lines()) == ["one"]
    add(directory, "o\n")
    assert list(follower.lines()) == ["two"]
    directory.log.write_text("new\n")
    assert list(follower.lines()) == ["new"]


def test_what_is_left_at_the_end(directory: InstanceDirectory) -> None:
    follower = Follower(directory, from_start=True)
    assert list(follower.rest()) == []
    add(directory, "a\nopen")
    assert list(follower.rest()) == ["a", "open"]


def test_a_line_without_end_is_cut(directory: InstanceDirectory) -> None:
    follower = Follower(directory)
    add(directory, "x" * (logfile.LONGEST_LINE + 1))
    assert [len(line) for line in follower.lines()] == [logfile.LONGEST_LINE]
