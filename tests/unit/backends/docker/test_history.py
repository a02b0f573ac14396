from __future__ import annotations

from typing import Any

from calzion.backends.docker.history import History
from calzion.model import Exit, LogLine


def event(action: str, at: float, **attributes: str) -> dict[str, Any]:
    about = {"calzion.instance": "i", **attributes}
    return {"Action": action, "timeNano": int(at * 1e9), "Actor": {"Attributes": about}}


def lines(*times: float) -> list[LogLine]:
    return [LogLine(instance="i", text=str(time), time=time) for time in times]


def test_how_the_last_start_ended() -> None:
    history = History()
    assert history.last_exit("i") is None
    for each in (event("start", 1), event("oom", 2), event("die", 2, exitCode="137"), event("start", 3)):
        history.learn(each)
    assert history.last_exit("i") == Exit(signal="SIGKILL", oom=True)
    history.learn(event("die", 4, exitCode="3"))
    assert history.last_exit("i") == Exit(status=3)
    history.learn(event("destroy", 5))
    assert history.last_exit("i") is None


def test_containers_of_others_are_nothing_to_learn_from() -> None:
    history = History()
    history.learn({"Action": "die", "timeNano": 1, "Actor": {"Attributes": {"exitCode": "1"}}})
    assert history.last_exit("i") is None


def test_a_young_start_leaves_the_word_to_the_one_before_it() -> None:
    history = History()
    for at in (10.0, 20.0, 30.0):
        history.learn(event("start", at))
    wrote = lines(11, 21, 22, 30.5)
    assert [line.time for line in history.telling("i", wrote, now=31.0)] == [21, 22]
    assert [line.time for line in history.telling("i", wrote, now=40.0)] == [30.5]
    assert history.telling("i", lines(5), now=40.0) == lines(5)
    assert history.telling("other", wrote, now=40.0) == wrote
