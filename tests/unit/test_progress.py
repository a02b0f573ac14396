from __future__ import annotations

from collections.abc import Sequence

from calzion.errors import LAST_LINES_TITLE, LONGEST_LINE, CalzionError
from calzion.progress import ERROR, LOG, Event, InSight


def told(lines: Sequence[str], shown: Sequence[str], code: str = "build") -> list[str]:
    """The detail of an error with these last lines, as a reader is shown it who saw `shown` before."""
    reader = InSight()
    for line in shown:
        event = Event(kind=LOG, text=line, source="web")
        assert reader.see(event) == event
    error = CalzionError("no", code=code, detail=["a fact", LAST_LINES_TITLE, *lines])
    seen = reader.see(Event(kind=ERROR, text="no", detail=error.as_dict()))
    assert seen.detail["message"] == "no"
    found: list[str] = seen.detail["detail"]
    return found


def test_lines_that_were_just_shown_are_not_shown_again() -> None:
    assert told(["one", "two"], ["one", "", "two"]) == ["a fact"]
    assert told(["one", "two"], ["one", "of another service", "two", "more"], "release") == ["a fact"]
    assert told(["x" * LONGEST_LINE], ["x" * 2000]) == ["a fact"]


def test_lines_that_were_not_shown_are() -> None:
    whole = ["a fact", LAST_LINES_TITLE, "one", "two"]
    assert told(["one", "two"], []) == whole
    assert told(["one", "two"], ["two", "one"]) == whole
    assert told(["one", "two"], ["one", "two", *map(str, range(100))]) == whole, "out of sight by now"


def test_what_an_instance_wrote_was_never_shown() -> None:
    assert told(["up"], ["up"], "start") == ["a fact", LAST_LINES_TITLE, "up"]


def test_other_errors_stay_as_they_are() -> None:
    for detail in (None, {"volumes": []}, ["a fact"]):
        error = CalzionError("no", code="build", detail=detail)
        assert InSight().see(Event(kind=ERROR, text="no", detail=error.as_dict())).detail == error.as_dict()
