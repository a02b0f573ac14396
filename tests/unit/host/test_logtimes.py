from __future__ import annotations

from pathlib import Path

import pytest

from calzion.host import logfile, logtimes
from calzion.host.directory import InstanceDirectory
from calzion.host.logfile import Follower, Line, rotate, timed_tail
from calzion.host.logtimes import LogTimes, note, thin_out, write


@pytest.fixture
def directory(tmp_path: Path) -> InstanceDirectory:
    return InstanceDirectory(tmp_path)


def add(directory: InstanceDirectory, text: str, now: float | None = None) -> None:
    with directory.log.open("a") as log:
        log.write(text)
        length = log.tell()
    if now is not None:
        note(directory.times, length, now)


def test_a_line_was_written_when_the_log_first_held_it(directory: InstanceDirectory) -> None:
    add(directory, "one\ntw", 10.0)
    add(directory, "o\n", 20.0)
    add(directory, "three\n")
    assert timed_tail(directory, 9, 99.0) == [Line("one", 10.0), Line("two", 20.0), Line("three", 99.0)]
    assert timed_tail(directory, 1, 99.0) == [Line("three", 99.0)]


def test_times_go_with_what_is_cut(directory: InstanceDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "MOST_BYTES", 10)
    add(directory, "gone\nleft\n", 1.0)
    add(directory, "more\n", 2.0)
    add(directory, "late\n")
    rotate(directory, 3.0)
    add(directory, "new\n", 4.0)
    assert timed_tail(directory, 9, 9.0) == [Line("more", 2.0), Line("late", 3.0), Line("new", 4.0)]


def test_following_has_times_also_of_what_is_long_past(
    directory: InstanceDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logtimes, "_RECENT", 2)
    add(directory, "before\n", 1.0)
    follower = Follower(directory)
    for number in range(2, 8):
        add(directory, f"{number}\n", float(number))
    assert follower.timed_lines(99.0) == [Line(str(number), number) for number in range(2, 8)]
    add(directory, "8\n", 8.0)
    add(directory, "9\n")
    assert follower.timed_lines(99.0) == [Line("8", 8.0), Line("9", 99.0)]
    assert follower.timed_lines(99.0) == []


def test_an_index_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "times"
    monkeypatch.setattr(logtimes, "MOST_RECORDS", 4)
    thin_out(path)
    write(path, [(number, number * 1.0) for number in range(1, 5)])
    thin_out(path)
    note(path, 5, 5.0)
    note(path, 6, 6.0)
    monkeypatch.setattr(logtimes, "MOST_RECORDS", 5)
    thin_out(path)
    assert LogTimes(path).records() == [(2, 2.0), (4, 4.0), (6, 6.0)]


def test_a_torn_record_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "times"
    note(path, 7, 1.5)
    with path.open("ab") as file:
        file.write(b"torn")
    assert LogTimes(path).of(7, 0.0) == 1.5 and LogTimes(path).of(8, 0.25) == 0.25
