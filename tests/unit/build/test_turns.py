import threading

import pytest

from calzion.build.turns import Turns
from calzion.errors import CalzionError

DEADLINE = 20


class Cancel:
    def __init__(self):
        self.calls = []
        self.is_set = False

    def cancelled(self):
        return self.is_set

    def on_cancel(self, call):
        self.calls.append(call)
        return lambda: None

    def cancel(self):
        self.is_set = True
        for call in self.calls:
            call()


class Log:
    def __init__(self):
        self.lines = []
        self.told = threading.Event()

    def step(self, text):
        raise AssertionError(text)

    warning = step

    def log(self, text, source=""):
        self.lines.append(f"{source}: {text}")
        self.told.set()


class Visitor:
    """A thread that takes a turn and stays until it is let go."""

    def __init__(self, turns, *names):
        self.log, self.cancel = Log(), Cancel()
        self.entered, self.leave = threading.Event(), threading.Event()
        self.error = None
        self.thread = threading.Thread(target=self._visit, args=(turns, frozenset(names)), daemon=True)
        self.thread.start()

    def _visit(self, turns, names):
        try:
            with turns.take(names, self.log, "web", self.cancel):
                self.entered.set()
                self.leave.wait(DEADLINE)
        except CalzionError as error:
            self.error = error

    def end(self):
        self.leave.set()
        self.thread.join(DEADLINE)
        assert not self.thread.is_alive()


def test_no_more_at_once_than_allowed():
    turns = Turns(1)
    first = Visitor(turns, "a")
    assert first.entered.wait(DEADLINE)
    second = Visitor(turns, "b")
    assert second.log.told.wait(DEADLINE)
    assert second.log.lines == ["web: waiting for 1 other build"]
    assert not second.entered.is_set()
    first.end()
    assert second.entered.wait(DEADLINE)
    second.end()


def test_never_two_of_one_name():
    turns = Turns(8)
    first = Visitor(turns, "a", "x")
    assert first.entered.wait(DEADLINE)
    second = Visitor(turns, "b", "x")
    assert second.log.told.wait(DEADLINE)
    third = Visitor(turns, "c")
    assert third.entered.wait(DEADLINE)
    assert not second.entered.is_set()
    assert second.log.lines == ["web: waiting for another build of this app"]
    for visitor in (third, first, second):
        visitor.end()


def test_who_waits_can_be_cancelled():
    turns = Turns(1)
    first = Visitor(turns, "a")
    assert first.entered.wait(DEADLINE)
    second = Visitor(turns, "b")
    assert second.log.told.wait(DEADLINE)
    second.cancel.cancel()
    second.thread.join(DEADLINE)
    assert second.error is not None and second.error.code == "cancelled"
    first.end()
    third = Visitor(turns, "c")
    assert third.entered.wait(DEADLINE)
    third.end()


def test_a_failing_build_leaves_its_place():
    turns = Turns(1)
    with pytest.raises(RuntimeError), turns.take(frozenset("a"), Log(), "", Cancel()):
        raise RuntimeError
    after = Visitor(turns, "a")
    assert after.entered.wait(DEADLINE)
    after.end()
