from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from calzion.host.directory import InstanceDirectory
from calzion.host.logtimes import LogTimes
from calzion.host.logwatch import LogWatch
from calzion.host.loop import Loop
from tests.fakes.host import eventually


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    thread = threading.Thread(target=loop.run)
    thread.start()
    yield loop
    loop.stop()
    thread.join()


@pytest.fixture
def directories(tmp_path: Path) -> list[InstanceDirectory]:
    found = [InstanceDirectory(tmp_path / name) for name in ("one", "two")]
    for each in found:
        each.path.mkdir()
        each.log.write_text("before\n")
    return found


def lengths(directory: InstanceDirectory) -> list[int]:
    return [length for length, _ in LogTimes(directory.times).records()]


def add(directory: InstanceDirectory, text: str) -> None:
    with directory.log.open("a") as log:
        log.write(text)


def test_what_is_written_is_noted(loop: Loop, directories: list[InstanceDirectory]) -> None:
    watch = LogWatch(loop)
    for directory in directories:
        loop.soon(lambda directory=directory: watch.add(directory))
        eventually(lambda directory=directory: lengths(directory) == [7])
    for number in range(2, 5):
        for directory in directories:
            add(directory, "more..\n")
        for directory in directories:
            eventually(lambda directory=directory, number=number: lengths(directory)[-1] == 7 * number)


def test_a_chatty_log_is_looked_at_now_and_then(loop: Loop, directories: list[InstanceDirectory]) -> None:
    watch = LogWatch(loop)
    loop.soon(lambda: watch.add(directories[0]))
    for _ in range(20_000):
        add(directories[0], "x")
    eventually(lambda: lengths(directories[0])[-1:] == [20_007])
    assert len(lengths(directories[0])) < 1000


def test_a_removed_one_is_left_alone(loop: Loop, directories: list[InstanceDirectory]) -> None:
    watch = LogWatch(loop)
    done = threading.Event()
    loop.soon(lambda: (watch.add(directories[0]), watch.remove(directories[0]), watch.add(directories[1])))
    loop.soon(done.set)
    done.wait()
    before = lengths(directories[0])
    add(directories[0], "unseen\n")
    add(directories[1], "seen\n")
    eventually(lambda: lengths(directories[1])[-1:] == [12])
    assert lengths(directories[0]) == before
