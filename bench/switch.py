"""A constant load through deploys, failed deploys and rollbacks: how many requests fail, and how late others are.

`script/bench switch [DEPLOYS [FAILED [ROLLBACKS]]]`, 100, 20 and 20 where nothing is said.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from bench import app
from bench.driver import Driver
from bench.report import report
from tests.stories.site import Repository, Site

NAME = "load-bench"


class Trial:
    def __init__(self, site: Site, load: Driver) -> None:
        self._site = site
        self._load = load
        self.streams_cut = 0
        self.seconds: dict[str, list[float]] = {"deploy": [], "failed deploy": [], "rollback": []}

    def during(self, kind: str, act: Callable[[], None]) -> None:
        """Do it under load; the streams that were open before must live on afterwards."""
        self._load.mark(busy=True)
        began = time.monotonic()
        act()
        self.seconds[kind].append(time.monotonic() - began)
        opened, of = self._load.open_streams()
        self.streams_cut += of - opened
        self._load.mark(busy=False)
        time.sleep(0.3)

    def roll_back(self, version: int) -> None:
        done = self._site.calzion("rollback", NAME, f"v{version}")
        assert done.returncode == 0, done.stderr


def run(deploys: int, failed: int, rollbacks: int) -> None:
    site = Site()
    try:
        site.start("--drain-timeout", "30")
        added = site.calzion("keys", "add", "alice", str(site.root / "alice.pub"), "--allow", "*")
        assert added.returncode == 0, added.stderr
        repository = site.repository("load", app.files("v0"))
        first = repository.push(NAME)
        assert first.status == 0, first
        with Driver(site.http, f"web.{NAME}.localhost") as load:
            load.open_streams()
            trial = Trial(site, load)
            for number in range(deploys):
                repository.commit(app.files(f"v{number + 1}"))
                trial.during("deploy", lambda: _push(repository, well=True))
            for _ in range(failed):
                repository.commit(app.files("broken"))
                trial.during("failed deploy", lambda: _push(repository, well=False))
                repository.git("reset", "--quiet", "--hard", "HEAD~1")
            for number in range(rollbacks):
                current, before = _last_two(site)
                trial.during("rollback", lambda back=before: trial.roll_back(back))  # type: ignore[misc]
                assert number >= 0 and current != before
        report("switch", {**load.counts, "streams_cut": trial.streams_cut, **_medians(trial.seconds)})
    finally:
        site.close()


def _push(repository: Repository, *, well: bool) -> None:
    push = repository.push(NAME)
    assert (push.status == 0) is well, push


def _last_two(site: Site) -> tuple[int, int]:
    """The current release, and the newest before it that served."""
    found = site.json("releases", NAME)
    served = [each["version"] for each in found if each["state"] in ("current", "superseded")]
    return served[0], served[1]


def _medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    return {
        f"median seconds of a {kind}": round(sorted(each)[len(each) // 2], 3)
        for kind, each in seconds.items()
        if each
    }


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    run(*(given + [100, 20, 20][len(given) :]))
