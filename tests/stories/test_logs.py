"""What instances wrote, with the times at which they did."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from typing import Any

import pytest

from tests.stories.apps import web
from tests.stories.site import DEADLINE, Site, eventually
from tests.stories.terminal import Person

TALK = """
import sys, time
name = sys.argv[1]
for number in range(1, 1000):
    print(name, number, time.time(), flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def talking(site: Site) -> Site:
    files = web(template__yaml="one: {git: ., processes: [web]}\ntwo: {git: ., processes: [slow]}\n")
    files["talk.py"] = TALK
    files["Procfile"] = (
        "web: python3 talk.py quick 0.03 & exec python3 server.py\nslow: exec python3 talk.py slow 0.2\n"
    )
    push = site.repository("talk", files).push("talk")
    assert push.status == 0, push
    return site


def logged(site: Site, *arguments: str) -> list[dict[str, Any]]:
    result = site.calzion("logs", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def moment(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["time"]).timestamp()


def delays(lines: list[dict[str, Any]]) -> list[float]:
    """How much later than written lines seem to be."""
    talk = [line for line in lines if line["text"].startswith(("quick", "slow"))]
    return sorted(moment(line) - float(line["text"].split()[2]) for line in talk)


def test_times_are_those_of_writing_and_order_the_lines(talking: Site) -> None:
    eventually(lambda: len(logged(talking, "talk:two")) > 10)
    lines = logged(talking, "talk", "-n", "500")
    assert {line["service"] for line in lines} == {"one", "two"}
    times = [moment(line) for line in lines]
    assert times == sorted(times)
    found = delays(lines)
    assert found[0] > -0.01 and found[len(found) // 2] < 0.2, found
    assert {line["instance"] for line in logged(talking, "talk:two")} == {"two.slow.1"}


def test_since_a_moment(talking: Site) -> None:
    lines = logged(talking, "talk:two", "--since", "1d")
    middle = lines[len(lines) // 2]["time"]
    later = logged(talking, "talk:two", "--since", middle)
    assert later[0]["time"] >= middle and lines[0] not in later
    assert logged(talking, "talk", "--since", "2100-01-01T00:00Z") == []


def test_following_is_live_and_ends_with_its_reader(talking: Site) -> None:
    command = [
        sys.executable,
        "-m",
        "calzion",
        "--data",
        str(talking.data),
        "logs",
        "talk",
        "-f",
        "-n",
        "0",
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    late = []
    for _ in range(30):
        line = json.loads(process.stdout.readline())
        late.append(time.time() - float(line["text"].split()[2]))
    process.terminate()
    process.communicate(timeout=DEADLINE)
    assert sorted(late)[15] < 1.0, late


def test_colours_are_for_terminals(talking: Site) -> None:
    plain = talking.calzion("logs", "talk").stdout
    assert "\x1b" not in plain and " one.web.1 " in plain
    assert " one.web.1 " not in talking.calzion("logs", "talk:two").stdout
    person = Person(talking, "logs", "talk", "-n", "1")
    assert person.leaves() == 0
    assert person.seen.count("\x1b[2m20") == 2 and "two.slow.1 | \x1b[0mslow " in person.seen
    assert "20" not in talking.calzion("logs", "talk", "--no-times", "-n", "1").stdout.split("|")[0]


def test_lines_outlive_the_daemon_that_notes_their_times(talking: Site) -> None:
    before = talking.pid("host")
    os.kill(before, signal.SIGKILL)
    eventually(lambda: talking.pid("host") not in (0, before))
    last = int(logged(talking, "talk:two")[-1]["text"].split()[1])
    eventually(lambda: int(logged(talking, "talk:two")[-1]["text"].split()[1]) > last + 3)
    lines = [line for line in logged(talking, "talk:two", "-n", "1000") if line["text"].startswith("slow")]
    assert [int(line["text"].split()[1]) for line in lines] == list(range(1, len(lines) + 1))
    assert delays(lines)[0] > -0.01 and delays(lines[-2:])[-1] < 1.0
