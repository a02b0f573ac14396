"""An infrastructure file, applied to a deployment that serves meanwhile."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.stories.apps import web
from tests.stories.site import Site

FILE = "Scale: {shop: {web: 2}}\nLimits: {shop: {web: {memory: 300M, pids: 500}}}\n"


@contextmanager
def requests(site: Site) -> Iterator[Counter[int]]:
    """One after the other while the block runs; how often which status came."""
    found: Counter[int] = Counter()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            found[site.get("shop")[0]] += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def test_a_file_is_planned_applied_and_taken_back_without_a_failed_request(site: Site) -> None:
    file = site.root / "infrastructure.yaml"
    file.write_text(FILE + "Scael: {}\n")
    wrong = site.calzion("apply", str(file))
    assert wrong.returncode == 1 and "infrastructure.yaml:3:1: unknown section 'Scael'" in wrong.stderr

    assert site.repository("shop", web()).push("shop").status == 0
    file.write_text(FILE)
    before = {each["instance"] for each in site.json("ps", "shop")}
    planned = site.calzion("apply", "--plan", str(file))
    assert planned.returncode == 10, planned.stderr
    assert "Scale shop:web added: 1 -> 2" in planned.stdout
    assert "Limits shop:web added: memory 300M, pids 500" in planned.stdout
    assert {each["instance"] for each in site.json("ps", "shop")} == before

    with requests(site) as found:
        applied = site.calzion("apply", str(file))
        assert applied.returncode == 0, applied.stderr
        assert len(site.json("ps", "shop")) == 2
        again = site.calzion("apply", "--plan", "--json", str(file))
        assert again.returncode == 0 and json.loads(again.stdout)["entries"] == []

        file.write_text("Scale: {}\n")
        refused = site.calzion("apply", str(file))
        assert refused.returncode == 4 and "would remove Scale shop:web" in refused.stderr
        assert len(site.json("ps", "shop")) == 2
        assert site.calzion("apply", "--yes", str(file)).returncode == 0
        assert len(site.json("ps", "shop")) == 1
    assert found.keys() == {200}, found
