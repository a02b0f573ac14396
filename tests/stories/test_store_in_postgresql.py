"""A server whose records are in a PostgreSQL, which goes away and comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.fakes.postgres import postgres
from tests.stories.apps import web
from tests.stories.site import Site, eventually


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    try:
        site.start("--store", postgres().create())
        assert (
            site.calzion("keys", "add", "alice", str(site.root / "alice.pub"), "--allow", "*").returncode == 0
        )
        yield site
    finally:
        site.close()


def answer(site: Site) -> str:
    return str(json.loads(site.get("shop")[1])["text"])


def test_what_runs_goes_on_while_its_database_is_away(site: Site) -> None:
    shop = site.repository("shop", web("one"))
    assert shop.push("shop").status == 0
    assert not (site.data / "calzion.db").exists()
    server = postgres()
    server.stop()
    try:
        assert answer(site) == "one"
        shop.commit(web("two"))
        refused = shop.push("shop")
        assert refused.status != 0 and "can't look up keys at the moment" in refused
        told = site.calzion("list")
        assert told.returncode != 0 and "the store does not answer" in told.stderr
    finally:
        server.start()
    eventually(lambda: shop.push("shop").status == 0)
    assert answer(site) == "two"
    assert len(site.json("releases", "shop")) == 2
