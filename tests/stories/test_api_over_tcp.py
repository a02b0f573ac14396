"""From another machine: a token, the commands with it, and what becomes of those who have none."""

from __future__ import annotations

import http.client
import os
import select
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from calzion.controller.api.guests import MOST_UNKNOWN_OF_ADDRESS
from tests.stories.apps import web
from tests.stories.site import DEADLINE, PROGRAM, Site, eventually


class Elsewhere:
    """Somebody's machine, which knows of the site its address alone."""

    def __init__(self, site: Site, home: Path) -> None:
        self.environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        self.url = f"http://127.0.0.1:{site.api}"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [*PROGRAM, *arguments], env=self.environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )

    def calzion(self, *arguments: str, sent: str = "") -> tuple[int, str, str]:
        process = self.start(*arguments)
        output, errors = process.communicate(sent, timeout=DEADLINE)
        return process.returncode, output, errors


def token(site: Site, user: str, *options: str) -> str:
    made = site.calzion("tokens", "add", user, *options)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def is_open(site: Site) -> bool:
    try:
        socket.create_connection(("127.0.0.1", site.api), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def status(site: Site, shown: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", site.api, timeout=DEADLINE)
    connection.request("GET", "/v1/deployments", headers={"Authorization": f"Bearer {shown}"})
    return connection.getresponse().status


def ended(connections: list[socket.socket]) -> int:
    """How many the server has hung up on by now."""
    return sum(_is_at_end(each) for each in select.select(connections, [], [], 0)[0])


def _is_at_end(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.fixture(scope="module")
def shop(site: Site) -> Site:
    push = site.repository("shop", web()).push("shop")
    assert push.status == 0, push
    (site.root / "values").write_text("KEY=value\n")
    made = site.calzion("secrets", "set", "hidden", "--from", str(site.root / "values"))
    assert made.returncode == 0, made.stderr
    return site


def test_a_token_is_good_for_what_it_says_until_it_is_taken_away(shop: Site, tmp_path: Path) -> None:
    assert not is_open(shop)
    shown = token(shop, "ci", "--scope", "deploy", "--allow", "shop*")
    there = Elsewhere(shop, tmp_path)
    assert there.calzion("login", there.url, sent=shown)[:2] == (
        0,
        f"logged in at {there.url} as ci: deploy on shop*\n",
    )
    assert [each["name"] for each in shop.json("list")] == ["hidden", "shop"]
    _, listed, _ = there.calzion("list")
    assert "shop" in listed
    assert "hidden" not in listed
    assert there.calzion("ps", "hidden")[0] == 3
    assert there.calzion("keys", "list")[0] == 4
    assert there.calzion("run", "shop:web", "--", "cat", sent="said\n")[:2] == (0, "said\n")
    assert there.calzion("redeploy", "shop")[0] == 0
    assert shop.json("releases", "shop")[0]["user"] == "ci"

    logs = there.start("logs", "-f", "shop")
    assert logs.stdout is not None
    assert "listening" in logs.stdout.readline()
    assert shop.calzion("tokens", "remove", "ci").returncode == 0
    logs.communicate(timeout=DEADLINE)
    assert not is_open(shop)
    written = "".join(file.read_text(errors="replace") for file in (shop.data / "logs").iterdir())
    assert shown.split("_", 2)[2] not in written


def test_who_says_nothing_keeps_nobody_out(shop: Site) -> None:
    shown = token(shop, "monitor", "--allow", "*")
    eventually(lambda: is_open(shop), "the address opens")
    idle = [socket.create_connection(("127.0.0.1", shop.api), timeout=DEADLINE) for _ in range(60)]
    for connection in idle:
        with suppress(OSError):
            connection.sendall(b"GET /v1/status HTTP/1.1\r\nX: ")
    assert shop.calzion("list").returncode == 0, "the administrator's socket answers"
    eventually(
        lambda: ended(idle) == len(idle) - MOST_UNKNOWN_OF_ADDRESS, "those there is no room for are ended"
    )
    for connection in idle:
        connection.close()
    assert eventually(lambda: status(shop, shown)) == 200
    assert status(shop, "wrong") == 401
    assert shop.calzion("tokens", "remove", "monitor").returncode == 0
