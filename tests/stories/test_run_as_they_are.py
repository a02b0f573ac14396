from __future__ import annotations

import http.client
import json
import resource
import shutil
import socket
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.stories import shapes
from tests.stories.shapes import app
from tests.stories.site import Push, Site, eventually

STAYS = "web: exec python3 main.py\n"
UNIX = 'listener = socket.socket(socket.AF_UNIX)\nlistener.bind("/tmp/socket")\nlistener.listen()\nsignal.pause()'
UDP = 'socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(("", PORT))\nsignal.pause()'
LOADING = "import time; end = time.time() + 2; any(time.time() > end for _ in iter(int, 1))"
QUICK = "healthcheck: {grace: 2}"

GOOD = {
    "slow": app("time.sleep(10)\nserve()"),
    "shell": app(shapes.SHELL, shapes.SHELL_PROCFILE),
    "no-web": app("", "clock: sleep 1000\n"),
    "no-port": app("signal.pause()", keys="ports: []"),
    "chosen": app("serve()", f"{STAYS}console: python3 -i\ncron: true\n", "processes: [web]"),
    "mortal": app(shapes.DEAF % "up", keys="stop: {timeout: 1}"),
}
"""Pushed side by side, each to a deployment of its own, as those below."""

BAD = {
    "background": (
        app("if os.fork():\n    os._exit(0)\nos.setsid()\nserve()"),
        ["web.web.1 went into the background", "stay in the foreground"],
    ),
    "done": (app("print('bye')"), ["web.web.1 ended right after its start: exit code 0", "bye"]),
    "console": (
        app("serve()", f"{STAYS}worker: sleep 1000\nconsole: python3 -i\n"),
        ["web.console.1 ended right after its start: exit code 0", "'processes: [web, worker]' at web"],
    ),
    "late-death": (
        app("time.sleep(4)\nserve()", f"{STAYS}worker: sleep 1.5; echo no broker; exit 3\n"),
        ["web.worker.1 ended right after its start: exit code 3", "no broker"],
    ),
    "slow-death": (
        app("serve()", f"{STAYS}worker: python3 -c '{LOADING}'; exit 5\n"),
        ["web.worker.1 ended right after its start: exit code 5"],
    ),
    "aloof": (
        app('held = socket.create_server(("", PORT))\nsignal.pause()', keys="healthcheck: {grace: 10}"),
        ["within 10 s", "is open, but nothing accepts its connections"],
    ),
    "workers-die": (
        app(shapes.MASTER_OF_THE_DEAD),
        ["web.web.1 ended right after its start: exit code 3", "no module named so"],
    ),
    "unix": (app(UNIX, keys=QUICK), ["within 2 s", "nothing listened", "PORT"]),
    "udp": (app(UDP, keys=QUICK), ["within 2 s", "nothing listened", "PORT"]),
    "fixed": (app("serve(port=8000)", keys="port: 8000"), ["fixed port 8000", "WEB_ADDR"]),
}


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    """Open connections keep an old release for as long as a test may take."""
    return ("--drain-timeout", "120")


@pytest.fixture(scope="module")
def pushes(site: Site) -> Mapping[str, Push]:
    apps = {"gallery": shapes.gallery(), **GOOD, **{name: files for name, (files, _) in BAD.items()}}
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda name: site.repository(name, apps[name]).push(name), apps)
    return dict(zip(apps, found, strict=True))


def ask(site: Site, deployment: str, path: str = "/") -> http.client.HTTPResponse:
    """The answer as it is: redirects are not followed."""
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=20)
    connection.request("GET", path, headers={"Host": f"{deployment}.localhost"})
    return connection.getresponse()


def states(site: Site, deployment: str) -> dict[str, str]:
    return {f"{each['service']}.{each['type']}": each["state"] for each in site.json("ps", deployment)}


@pytest.mark.parametrize("name", [*GOOD, "gallery"])
def test_it_goes_live(pushes: Mapping[str, Push], name: str) -> None:
    assert pushes[name].status == 0, pushes[name]


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused_with_a_sentence(site: Site, pushes: Mapping[str, Push], name: str) -> None:
    assert pushes[name].status != 0, pushes[name]
    for words in BAD[name][1]:
        assert words in pushes[name], pushes[name]
    assert ask(site, name).status == 404


@pytest.mark.parametrize("name", [*shapes.LISTENERS, "chatty", "forker"])
def test_a_server_is_reached_wherever_it_listens(site: Site, pushes: Mapping[str, Push], name: str) -> None:
    answer = ask(site, f"{name}.gallery")
    assert (answer.status, answer.read()) == (200, b"up"), pushes["gallery"]


@pytest.mark.parametrize("name", shapes.STATUSES)
def test_a_health_path_need_not_answer_200(site: Site, pushes: Mapping[str, Push], name: str) -> None:
    assert f"answers-{ask(site, f'{name}.gallery').status}" == name, pushes["gallery"]


def test_a_slow_boot_is_waited_for(site: Site, pushes: Mapping[str, Push]) -> None:
    assert "web.web.1 is not up yet: nothing listened on port" in pushes["slow"], pushes["slow"]
    assert ask(site, "slow").status == 200


def test_the_disk_is_writable(site: Site, pushes: Mapping[str, Push]) -> None:
    answer = ask(site, "writer.gallery")
    assert (answer.status, answer.read()) == (200, b"/app")


def test_the_machine_is_what_programs_expect(site: Site, pushes: Mapping[str, Push]) -> None:
    found = json.loads(ask(site, "machine.gallery").read())
    fonts = shutil.which("fc-list") and subprocess.run(["fc-list"], capture_output=True, check=True).stdout
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert found.pop("authorities") > 0
    assert found == {
        "doubled": [2, 4],
        "git": "made",
        "fonts": bool(fonts),
        "files": 65_536 if most == resource.RLIM_INFINITY else min(most, 65_536),
        "encoding": "UTF-8",
        "zone": "JST",
        "user": "app",
    }


def test_a_second_port_may_open_later(site: Site, pushes: Mapping[str, Push]) -> None:
    assert ask(site, "visitor.gallery").status == 503
    assert ask(site, "two-ports.gallery", "/open").read() == b"first is PORT"
    eventually(lambda: ask(site, "visitor.gallery").read() == b"up", "the second port to be reached")


def test_a_procfile_is_for_the_shell(site: Site, pushes: Mapping[str, Push]) -> None:
    told = json.loads(ask(site, "shell").read())
    assert told.pop("arguments")[1:] == ["default", "2"]
    assert told == {"FIRST": "a  b", "SECOND": "a  b", "THIRD": "3", "directory": "/app/sub"}
    assert states(site, "shell") == dict.fromkeys(["web.web", "web.my-worker", "web.my_worker2"], "running")


@pytest.mark.parametrize("name", ["no-web", "no-port"])
def test_without_a_web_process_nothing_is_routed(site: Site, pushes: Mapping[str, Push], name: str) -> None:
    assert "no web process: nothing is routed" in pushes[name] and "http://" not in pushes[name]
    assert list(states(site, name).values()) == ["running"]
    assert ask(site, name).status == 404


def test_processes_decides_what_runs(site: Site, pushes: Mapping[str, Push]) -> None:
    assert states(site, "chosen") == {"web.web": "running"}


def test_a_crash_after_going_live_is_mended(site: Site, pushes: Mapping[str, Push]) -> None:
    end(site.json("ps", "mortal")[0]["endpoint"])
    eventually(lambda: ask(site, "mortal").status == 200, "the web process to be started again")
    assert site.json("ps", "mortal")[0]["restarts"] == 1


def end(endpoint: str) -> None:
    host, _, port = endpoint.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(b"GET /die HTTP/1.0\r\n\r\n")
        assert client.recv(100) == b""


def test_a_dead_process_type_fails_the_release_and_the_old_one_serves_on(site: Site) -> None:
    repository = site.repository("two-types", app("serve()", f"{STAYS}worker: sleep 1000\n"))
    assert repository.push("two-types").status == 0
    repository.commit(app(shapes.STATUSES["answers-404"], f"{STAYS}worker: echo out of luck; exit 4\n"))
    push = repository.push("two-types")
    assert push.status != 0 and "web.worker.1 ended right after its start: exit code 4" in push, push
    assert "out of luck" in push and "'processes: [web]' at web" in push and "v1 keeps serving" in push, push
    assert ask(site, "two-types").read() == b"up"
    assert states(site, "two-types") == {"web.web": "running", "web.worker": "running"}


def test_an_app_that_ignores_sigterm_does_not_hold_the_push_up(site: Site) -> None:
    repository = site.repository("deaf", app(shapes.DEAF % "one", keys="stop: {timeout: 10m}"))
    assert repository.push("deaf").status == 0
    old = site.json("ps", "deaf")[0]
    repository.commit(app(shapes.DEAF % "two", keys="stop: {timeout: 1}"))
    assert repository.push("deaf").status == 0
    assert ask(site, "deaf").read() == b"two"
    assert old["instance"] in {each["instance"] for each in site.json("ps", "deaf")}
    end(old["endpoint"])
    eventually(lambda: len(site.json("ps", "deaf")) == 1, "the old instance to be forgotten")


def direct(site: Site, deployment: str, path: str) -> http.client.HTTPResponse:
    """Past the router, to the deployment's oldest instance."""
    endpoint = site.json("ps", deployment)[0]["endpoint"]
    connection = http.client.HTTPConnection(endpoint, timeout=60)
    connection.request("GET", path)
    return connection.getresponse()


def test_signals_reach_the_app_behind_a_pipeline(site: Site) -> None:
    files = app(shapes.PATIENT, "web: python3 -u main.py 2>&1 | sed -u 's/^/app: /' | tee -a log.txt\n")
    assert site.repository("pipeline", files).push("pipeline").status == 0
    answer = direct(site, "pipeline", "/wait")
    assert answer.readline() == b"waiting\n"
    assert site.calzion("restart", "pipeline").returncode == 0
    assert answer.readline() == b"told to end\n"
