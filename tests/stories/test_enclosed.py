"""A server that listens where only its own container reaches it is told so, long before its time is up."""

from __future__ import annotations

import re

from tests.stories.apps import SERVER, web
from tests.stories.site import Site

BACKENDS = ("docker",)


def test_a_server_on_127_0_0_1_alone(site: Site) -> None:
    files = web() | {
        "template.yaml": "web:\n  git: .\n  healthcheck: {grace: 30}\n",
        "server.py": SERVER.replace('("", int', '("127.0.0.1", int'),
    }
    push = site.repository("shop", files).push("shop")
    assert push.status != 0
    late = r"web\.web\.1 did not become healthy within (\d+) s: it listens on port \d+ of 127\.0\.0\.1 alone"
    found = re.search(late, push.text)
    assert found and int(found[1]) < 30, push
    assert "let it listen on 0.0.0.0, such as 'gunicorn -b 0.0.0.0:$PORT app:app'" in push
