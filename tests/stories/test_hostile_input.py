"""Everything that a pusher with a key may send and no server may obey, and what the server keeps of it: nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from tests.fakes.push_peer import eventually
from tests.hostile import lines, loud, packs, refs, templates, trees
from tests.hostile.client import ZERO, Answer, Client
from tests.hostile.pack import pack
from tests.hostile.push import CURRENT, Push
from tests.hostile.state import State, git_processes, peak, state_of
from tests.stories.apps import web
from tests.stories.site import DEADLINE, PROGRAM, Site

GROUPS: dict[str, Callable[[], Mapping[str, Push]]] = {
    "refs": refs.pushes,
    "packs": packs.pushes,
    "trees": trees.pushes,
    "templates": templates.pushes,
}
ENOUGH = 250 << 20
"""Bytes of memory that no part may need, whatever comes in."""


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    return ("--push-size", "8M", "--source-files", "10000", "--build-log", "256K")


@pytest.fixture(scope="module")
def steady(site: Site) -> Iterator[str]:
    """The commit of a deployment that serves on whatever comes in, and the parts with it."""
    repository = site.repository("steady", web("steady"))
    push = repository.push("steady")
    assert push.status == 0, push
    pids = {part: site.pid(part) for part in site.parts()}
    yield repository.git("rev-parse", "HEAD")
    assert {part: site.pid(part) for part in site.parts()} == pids
    assert {part: peak(pids[part]) for part in ("sshd", "reconciler") if peak(pids[part]) > ENOUGH} == {}


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    client = Client(site.ssh, site.root / "alice")
    yield client
    client.close()


def wrong(answer: Answer, says: tuple[str, ...] = ()) -> str:
    """What is not as it must be in the answer to something that is refused, '' where all is."""
    missing = [words for words in says if words not in answer.text]
    if missing or (answer.status == 0 and "ng " not in answer.text):
        return f"{answer.status}, without {missing}: {answer.text[-1000:]}"
    # Git reports on a ref by the name that it was given; what Calzion says is plain.
    said = [line for line in answer.text.splitlines() if not line.startswith("00")]
    if any(mark in line for line in said for mark in ("uid=", "Traceback", "\x1b", "root:x")):
        return answer.text
    return ""


def left(site: Site, before: State) -> str:
    """What is not as before when git has ended."""
    eventually(lambda: not git_processes(site.data), "the end of git")
    return "" if state_of(site.data) == before else "it left something"


@pytest.mark.parametrize("group", GROUPS)
def test_nothing_of_a_bad_push_gets_in(site: Site, steady: str, client: Client, group: str) -> None:
    before = state_of(site.data)
    failed = {}
    for name, push in GROUPS[group]().items():
        updates = tuple((old.replace(CURRENT, steady), new, ref) for old, new, ref in push.updates)
        current = replace(push, updates=updates)
        answer = client.push("steady", current.updates, push.pack, options=push.options, shallow=push.shallow)
        if problem := wrong(answer, push.says) or left(site, before):
            failed[name] = problem
    assert failed == {}
    assert '"steady"' in site.get("steady")[1]


def test_old_histories_are_taken(site: Site, steady: str, client: Client) -> None:
    things = trees.historic()
    answer = client.push("steady", [(steady, things[-1].id, "refs/heads/steady")], pack(things))
    assert "there is no directory nowhere" in answer.text, answer


def test_a_build_is_heard_within_limits_and_an_odd_tree_stays_as_it_is(site: Site, client: Client) -> None:
    line = [*PROGRAM, "--data", str(site.data), "secrets", "set", "odd", "KEY"]
    subprocess.run(line, input=loud.SECRET, text=True, check=True, capture_output=True, timeout=DEADLINE)
    things = loud.things()
    answer = client.push("odd", [(ZERO, things[-1].id, "refs/heads/odd")], pack(things))
    assert answer.status == 0 and "odd v1 is live" in answer.text, answer.text[-2000:]
    for word in ("plain red", "end of escapes", "split [KEY] over writes", "redrawn 100%", "see build-log"):
        assert word in answer.text, word
    assert "large.bin is a pointer of Git LFS" in answer.text
    stories = b"".join(path.read_bytes() for path in (site.data / "stories").rglob("*") if path.is_file())
    _, _, shown = answer.text.partition("agent=git")
    for told in (shown, stories.decode()):
        assert len(told) < 1 << 20
        assert not any(loud.SECRET[:length] in told for length in (9, len(loud.SECRET)))
        assert not [each for each in told if each in "\x1b\x07\x08\x0e\x9b\0"]
    seen = json.loads(site.get("odd")[1])
    assert {ascii(os.fsdecode(name)) for name in loud.ODD_NAMES} <= set(seen["names"])
    assert seen["links"] == {
        "absolute": "/etc/passwd",
        "outside": "../../../../etc/shadow",
        "itself": "itself",
    }
    assert seen["large"].encode() == loud.POINTER and seen["program"] and seen["many"] == 5_000


def test_a_client_that_stops_reading_holds_up_nobody(site: Site, steady: str) -> None:
    files = {
        **web(),
        ".buildpacks": "./endless\nprocfile\n",
        "endless/bin/detect": "#!/bin/sh\necho endless\n",
    }
    files["endless/bin/compile"] = "#!/bin/sh\necho begun; while :; do echo more of it; sleep 0.01; done\n"
    deaf = site.repository("deaf", files)
    for name in ("detect", "compile"):
        (deaf.path / "endless" / "bin" / name).chmod(0o755)
    deaf.commit({})
    push = deaf.start("push", "calzion", "HEAD:refs/heads/deaf")
    assert push.stderr is not None
    next(line for line in push.stderr if "begun" in line)
    os.killpg(push.pid, signal.SIGSTOP)
    assert site.repository("hearing", web("hearing")).push("hearing").status == 0
    assert steady and '"steady"' in site.get("steady")[1]
    os.killpg(push.pid, signal.SIGKILL)
    push.communicate(timeout=DEADLINE)
    eventually(lambda: site.json("releases", "deaf")[0]["state"] == "cancelled")
    eventually(lambda: not git_processes(site.data), "the end of git")
    assert not (site.data / "repositories" / "deaf.git").exists()


def test_nothing_else_than_git_is_run(site: Site, steady: str, client: Client) -> None:
    before = state_of(site.data)
    answers = {line[:60]: client.run(line) for line in [*lines.refused(), *lines.absent()]}
    problems = {line: wrong(answer) for line, answer in answers.items()}
    assert {line: problem for line, problem in problems.items() if problem} == {}
    assert left(site, before) == "" and steady
