"""A constant load of every kind of client sees nothing of deploys, failed deploys and rollbacks."""

from __future__ import annotations

import pytest

from bench import app
from bench.driver import Driver
from tests.stories.site import Site

BACKENDS = ("process", "docker")


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    """Long enough that a stream that ends was cut, on however slow a machine."""
    return ("--drain-timeout", "120")


def test_no_request_fails_while_releases_come_and_go(site: Site) -> None:
    repository = site.repository("load", app.files("v0"))
    assert repository.push("load-one").status == 0
    with Driver(site.http, "web.load-one.localhost") as load:
        load.open_streams()
        for number in range(5):
            repository.commit(app.files(f"v{number + 1}"))
            push = repository.push("load-one")
            assert push.status == 0, push
            assert load.open_streams() == (2, 2), "a stream ended before its instance was drained"
        for _ in range(2):
            repository.commit(app.files("broken"))
            assert repository.push("load-one").status != 0
            assert load.open_streams() == (2, 2)
            repository.git("reset", "--quiet", "--hard", "HEAD~1")
        for version in ("v3", "v5"):
            back = site.calzion("rollback", "load-one", version)
            assert back.returncode == 0, back.stderr
            assert load.open_streams() == (2, 2)
    assert load.counts["failed"] == 0, load.counts
    assert set(load.counts["by_kind"]) == {"keep-alive", "post", "fresh", "service to service"}
