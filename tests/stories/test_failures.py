"""What a pusher reads when a push fails.

The service, the phase, how it ended, the cause, the facts, the last lines, what can be done, and what serves on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from calzion.cli.client import Client
from tests.stories.apps import web
from tests.stories.site import Push, Repository, Site

Fails = Callable[[dict[str, str]], list[str]]

REQUIRE_VARIABLE = "import os\nprint('reading settings', flush=True)\nkey = os.environ['STRIPE_API_KEY']\n"
FAILING_HEALTH = """
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("the shop has no shelves", flush=True)
        self.send_response(500)
        self.end_headers()

http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""
EXPECTED = r"       expected on port \d+ \(PORT\): "


@pytest.fixture(scope="module")
def shop(site: Site) -> Repository:
    """A deployment with a first release that goes on serving."""
    repository = site.repository("shop", web("shop"))
    push = repository.push("shop")
    assert push.status == 0, push
    return repository


@pytest.fixture
def fails(site: Site, shop: Repository) -> Fails:
    """Push changed files, have them rejected, and give the lines of the error."""

    def push(files: dict[str, str]) -> list[str]:
        before = shop.remote_ref("shop")
        shop.commit({**web("shop"), **files})
        result = shop.push("shop", "--force")
        assert result.status != 0 and "[remote rejected]" in result, result
        assert shop.remote_ref("shop") == before
        assert '"shop"' in site.get("shop")[1]
        return error_of(result)

    return push


def error_of(push: Push) -> list[str]:
    """From the first line of the problem to the last."""
    lines = push.text.splitlines()
    problems = [number for number, line in enumerate(lines) if line.startswith(" !     ")]
    return lines[problems[0] : problems[-1] + 1]


def assert_shape(lines: list[str], patterns: list[str]) -> None:
    assert len(lines) == len(patterns), "\n".join(lines)
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), f"{line!r} is not {pattern!r}"


def test_a_missing_variable(fails: Fails) -> None:
    assert_shape(
        fails({"server.py": REQUIRE_VARIABLE}),
        [
            r" !     web: start failed: web\.web\.1 ended right after its start: exit code 1:"
            r" the environment variable STRIPE_API_KEY is not set",
            EXPECTED + "nothing had listened there",
            r"       its last lines:",
            r"       reading settings",
            r"       Traceback \(most recent call last\):",
            r'         File "/app/server\.py", line 3, in <module>',
            r"           key = os\.environ\['STRIPE_API_KEY'\]",
            r".*\^\^\^.*",
            r'         File "<frozen os>", line \d+, in __getitem__',
            r"       KeyError: 'STRIPE_API_KEY'",
            r" !     set STRIPE_API_KEY under 'env:' of web in template\.yaml; a secret with"
            r" 'calzion secrets set shop STRIPE_API_KEY' and 'env: \{STRIPE_API_KEY: \$\{STRIPE_API_KEY\}\}'",
            r" !     v1 keeps serving",
        ],
    )


def test_a_port_of_its_own_choice(fails: Fails) -> None:
    assert_shape(
        fails(
            {
                "template.yaml": "web:\n  git: .\n  healthcheck: {grace: 30}\n",
                "Procfile": "web: echo up; exec python3 -m http.server 23998\n",
            }
        ),
        [
            r" !     web: health check failed: web\.web\.1 did not become healthy within 1?\d s:"
            r" it listens on port 23998, not on port \d+ \(\$PORT\)",
            EXPECTED + "it listened on 23998 instead",
            r"       its last lines:",
            r"       up",
            r" !     let it listen on the port that the variable PORT gives, such as .*",
            r" !     or, where it rests so long .* 'healthcheck: \{cmd: curl .*' at web in the template",
            r" !     v1 keeps serving",
        ],
    )


def test_a_module_that_is_not_there(fails: Fails) -> None:
    lines = fails({"server.py": "import flask_of_the_future\n"})
    assert_shape(
        [lines[0], *lines[-3:]],
        [
            r" !     web: start failed: web\.web\.1 ended right after its start: exit code 1:"
            r" the Python module flask_of_the_future is not there",
            r"       ModuleNotFoundError: No module named 'flask_of_the_future'",
            r" !     add flask_of_the_future to requirements\.txt .*",
            r" !     v1 keeps serving",
        ],
    )


def test_a_command_that_is_not_there(fails: Fails) -> None:
    assert_shape(
        fails({"Procfile": "web: gunicron app:app\n"}),
        [
            r" !     web: start failed: web\.web\.1 ended right after its start: exit code 127:"
            r" the command 'gunicron' was not found",
            EXPECTED + "nothing had listened there",
            r"       its last lines:",
            r"       /bin/bash: line 1: gunicron: command not found",
            r" !     see whether it is spelled right in the Procfile .*",
            r" !     v1 keeps serving",
        ],
    )


def test_the_last_lines_of_a_release_command_are_told_once(site: Site, fails: Fails) -> None:
    command = "seq 1 40; echo 'relation \"orders\" does not exist'; exit 3"
    assert_shape(
        fails({"Procfile": f"release: {command}\nweb: exec python3 server.py\n"}),
        [
            r" !     web: the release command failed \(exit code 3\): the database has no orders",
            r"       command: " + re.escape(command),
            r" !     see that every migration is committed, .*",
            r" !     v1 keeps serving",
        ],
    )
    number = site.json("releases", "shop")[0]["version"]
    story = Client(site.data / "api.sock").stream("GET", f"/deployments/shop/releases/{number}/events")
    error = json.loads(list(story)[-1].data)
    assert error["detail"]["detail"][-30:] == [*map(str, range(12, 41)), 'relation "orders" does not exist']


def test_a_release_command_without_a_known_cause(fails: Fails) -> None:
    assert_shape(
        fails({"Procfile": "release: exit 4\nweb: exec python3 server.py\n"}),
        [
            r" !     web: the release command failed \(exit code 4\)",
            r"       command: exit 4",
            r"       it wrote nothing",
            r" !     mend the cause and push again",
            r" !     v1 keeps serving",
        ],
    )


def test_a_health_path_that_answers_500(fails: Fails) -> None:
    lines = fails(
        {
            "template.yaml": "web:\n  git: .\n  healthcheck: {path: /healthz, grace: 3}\n",
            "server.py": FAILING_HEALTH,
        }
    )
    assert_shape(
        [*lines[:3], *lines[-2:]],
        [
            r" !     web: health check failed: web\.web\.1 did not become healthy within 3 s: /healthz answers 500",
            EXPECTED + r"it listened there; /healthz answered 500",
            r"       its last lines:",
            r" !     see its lines for the error; where /healthz may fail, set another path: .*",
            r" !     v1 keeps serving",
        ],
    )
    assert "       the shop has no shelves" in lines


def test_a_build_that_fails(fails: Fails) -> None:
    lines = fails({"requirements.txt": "flask\n./no such line\n"})
    assert re.fullmatch(r" !     web: build failed \(exit code \d+\).*", lines[0]), lines
    assert lines[-1] == " !     v1 keeps serving"
