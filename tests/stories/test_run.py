"""One-off commands against a whole server: pipes, terminals, and ends of every kind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.stories.apps import web
from tests.stories.site import DEADLINE, Site, eventually
from tests.stories.terminal import Person

BACKENDS = ("process", "docker")

TEMPLATE = "web: {git: ., volumes: {data: /data}, env: {KEY: '${TOKEN}'}}\n"
TEMPLATE += "Generate: {TOKEN: {length: 24}}\ncalzion/redis:\ncalzion/postgres:\n"


@pytest.fixture(scope="module")
def shop(site: Site) -> Site:
    files = web(template__yaml=TEMPLATE)
    files[".profile.d/tools.sh"] = 'PATH="/app/tools:$PATH"\nset -- changed\n'
    files["tools/greet"] = '#!/bin/sh\necho "hello $1"\n'
    repository = site.repository("shop", files)
    (repository.path / "tools" / "greet").chmod(0o755)
    repository.commit({})
    push = repository.push("shop")
    assert push.status == 0, push
    return site


@pytest.fixture
def at_desk(shop: Site) -> Iterator[list[Person]]:
    people: list[Person] = []
    yield people
    for person in people:
        if person.process.poll() is None:
            person.process.kill()
        person.process.wait()


def start(site: Site, *arguments: str, **given: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "calzion", "--data", str(site.data), "run", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, **given)  # type: ignore[call-overload,no-any-return]


def run(site: Site, *arguments: str, sent: bytes = b"") -> tuple[int, bytes, bytes]:
    process = start(site, *arguments)
    output, errors = process.communicate(sent, timeout=DEADLINE)
    return process.returncode, output, errors


def left(site: Site, marker: str) -> list[str]:
    """Processes of this machine that have the marker on their command line, but ours."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if marker in line and "calzion --data" not in line]


def test_output_errors_and_exit_code_come_apart(shop: Site) -> None:
    code, output, errors = run(shop, "shop:web", "--", "echo out; echo wrong >&2; exit 7")
    assert (code, output, errors) == (7, b"out\n", b"wrong\n")
    assert run(shop, "shop:web", "--", "kill -9 $$")[0] == 137


def test_one_app_needs_no_name(shop: Site) -> None:
    assert run(shop, "shop", "--", "echo $SERVICE $INSTANCE $RELEASE") == (0, b"web run.1 v1\n", b"")


def test_words_are_kept_as_they_are_and_profiles_are_sourced(shop: Site) -> None:
    words = ["a  b", "$HOME", "*", "it's", '"', "", "--data", "ä"]
    code, output, errors = run(
        shop, "shop:web", "--", "python3", "-c", "import sys; print(sys.argv[1:])", *words
    )
    assert (code, output.decode(), errors) == (0, f"{words}\n", b"")
    assert run(shop, "shop:web", "greet", "-x")[1] == b"hello -x\n"


def test_it_sees_the_service_s_environment_and_volumes(shop: Site) -> None:
    code, output, _ = run(
        shop,
        "-e",
        "MORE=a b",
        "shop:web",
        "--",
        'echo "$MORE ${#KEY} ${DATABASE_URL%%:*}"; echo 1 >/data/one',
    )
    assert (code, output) == (0, b"a b 24 postgresql\n")
    assert run(shop, "shop:web", "cat", "/data/one")[1] == b"1\n"


def test_input_is_streamed_and_binary_safe(shop: Site) -> None:
    sent = os.urandom(1 << 20) * 8
    code, output, errors = run(shop, "shop:web", "cat", sent=sent)
    assert (code, errors) == (0, b"") and output == sent
    assert run(shop, "shop:web", "--", "head -c 10 | wc -c", sent=sent)[:2] == (0, b"10\n")


def test_output_that_nobody_reads_ends_it(shop: Site) -> None:
    process = start(shop, "shop:web", "yes", "nobody-reads-this")
    assert process.stdout is not None
    process.stdout.read(1000)
    process.stdout.close()
    process.wait(DEADLINE)
    eventually(lambda: not left(shop, "yes nobody-reads-this"))


def test_appliances_have_their_clients(shop: Site) -> None:
    assert run(shop, "shop:postgres", "psql", "-tAc", "select current_user")[1] == b"app\n"
    assert run(shop, "shop:postgres", "--", "psql", sent=b"select 6*7;")[1].split()[2] == b"42"
    assert run(shop, "shop:redis", "redis-cli", "ping")[1] == b"PONG\n"
    code, _, errors = run(shop, "shop:redis", "no-such-client")
    told = {1: b"this machine has no no-such-client", 127: b"no-such-client: command not found"}
    assert told[code] in errors


def test_wrong_use_has_its_sentence(shop: Site) -> None:
    for arguments, status, words in (
        (["shop:web"], 2, b"say what to run"),
        (["shop:nothing", "ls"], 3, b"has no service nothing"),
        (["nothing", "ls"], 3, b"there is no deployment"),
        (["-e", "NOT_IN_MY_ENVIRONMENT", "shop:web", "ls"], 2, b"has no NOT_IN_MY_ENVIRONMENT"),
        (["-e", "A-B=1", "shop:web", "ls"], 1, b"can't be the name of a variable"),
    ):
        code, _, errors = run(shop, *arguments)
        assert code == status and words in errors, errors


def test_a_terminal_is_a_real_one(shop: Site, at_desk: list[Person]) -> None:
    person = Person(shop, "run", "shop:web", "--", "bash", "--norc")
    at_desk.append(person)
    person.sees("$ ")
    assert person.raw()
    person.type("stty size; echo $TERM-\r")
    assert "30 100" in person.sees("xterm-256color-\r\n")
    person.resize(11, 44)
    person.type("while [ \"$(stty size)\" != '11 44' ]; do sleep 0.05; done; echo resi''zed\r")
    person.sees("resized")
    for key, word in (("\x03", "^C"), ("\x1a", "Stopped")):
        person.type("sleep 3000\r")
        eventually(lambda: left(shop, "sleep 3000"))
        person.type(key)
        person.sees(word)
    person.type("exit 42\rexit 42\r")  # the first only warns of the stopped job
    assert person.leaves() == 42
    assert not person.raw()


def test_end_of_input_at_a_terminal(shop: Site, at_desk: list[Person]) -> None:
    person = Person(shop, "run", "shop:web", "cat")
    at_desk.append(person)
    person.type("typed\r")
    person.sees("typed\r\ntyped\r\n")
    person.type("\x04")
    assert person.leaves() == 0


@pytest.mark.parametrize("how", ["closed terminal", "kill -9", "terminated"])
def test_a_client_that_goes_away_ends_it(shop: Site, at_desk: list[Person], how: str) -> None:
    marker = f"sleep 1000.{len(how)}"
    stubborn = "trap '' HUP; " if how == "kill -9" else ""
    person = Person(shop, "run", "shop:web", "--", f"{stubborn}echo rea''dy; {marker}")
    at_desk.append(person)
    person.sees("ready")
    assert left(shop, marker)
    if how == "closed terminal":
        person.close()
    else:
        person.process.send_signal(signal.SIGKILL if how == "kill -9" else signal.SIGTERM)
    person.process.wait(DEADLINE)
    eventually(lambda: not left(shop, marker), "the command to end")


CATCHES = """
import os, signal, sys, time
def caught(*_):
    os.write(1, b"caught\\n")  # print() may be at work on "ready" still
    sys.exit(9)
signal.signal(signal.SIGINT, caught)
print("ready", flush=True)
time.sleep(1000)
"""


def test_an_interrupt_without_a_terminal_is_the_command_s(shop: Site) -> None:
    process = start(shop, "shop:web", "--", "python3", "-c", CATCHES)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=DEADLINE)
    assert (process.returncode, output) == (9, b"caught\n")


@pytest.mark.parametrize("part", ["controller", "reconciler"])
def test_the_end_of_calzion_s_parts_leaves_no_orphan(shop: Site, part: str) -> None:
    process = start(shop, "shop:web", "--", "echo ready; exec sleep 2000")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    before = shop.pid(part)
    os.kill(before, signal.SIGKILL)
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 5 and b"connection to Calzion was lost" in errors
    eventually(lambda: not left(shop, "sleep 2000"), "the command to end")
    eventually(lambda: shop.pid(part) not in (0, before))
    eventually(lambda: shop.calzion("status").returncode == 0)


def test_it_outlives_the_host_daemon(shop: Site) -> None:
    if "host" not in shop.parts():
        return  # an engine is host enough
    process = start(shop, "shop:web", "--", "echo ready; read line; echo got $line; exit 6")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    before = shop.pid("host")
    os.kill(before, signal.SIGKILL)
    eventually(lambda: shop.pid("host") not in (0, before))
    output, _ = process.communicate(b"on\n", timeout=DEADLINE)
    assert (process.returncode, output) == (6, b"got on\n")


def test_destroying_a_deployment_ends_it(shop: Site) -> None:
    assert shop.repository("gone", web()).push("gone").status == 0
    process = start(shop, "gone:web", "--", "echo ready; exec sleep 1000")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    assert shop.calzion("destroy", "gone", "--yes").returncode == 0
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 129


def test_a_closed_standard_input_is_an_empty_one(shop: Site) -> None:
    line = f"{sys.executable} -m calzion --data {shop.data} run shop:web -- 'cat; exit 4' <&-"
    done = subprocess.run(["sh", "-c", line], timeout=DEADLINE, check=False)
    assert done.returncode == 4
