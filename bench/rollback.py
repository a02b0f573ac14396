"""How long a rollback takes, against the time that its service needs to start by itself.

`script/bench rollback [ROUNDS]`, 20 where nothing is said. Two services, one that starts at once and one that takes two
seconds, are started by hand and rolled back in turns.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from statistics import median

from bench.byhand import ByHand
from bench.report import report
from calzion.cli.client import Client
from tests.stories.site import Repository, Site, eventually

SERVER = """
import http.server, os, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"VERSION")

    def log_message(self, *_):
        pass

time.sleep(DELAY)
http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""
COMMAND = "exec python3 server.py"
DELAYS = {"instant": 0, "two-second": 2}
SWITCHED = "traffic switched"


@dataclass
class Subject:
    """One deployment; `seconds` are by kind of what was measured."""

    site: Site
    name: str
    delay: int
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def prepare(self) -> None:
        self.repository: Repository = self.site.repository(self.name, self._files("one"))
        for version in ("one", "two"):
            self.repository.commit(self._files(version))
            push = self.repository.push(self.name)
            assert push.status == 0, push
        slug = max((self.site.data / "slugs").iterdir(), key=lambda path: path.stat().st_mtime)
        self.hand = ByHand.prepare(self.site.root / f"hand-{self.name}", slug / "app", COMMAND)
        self.client = Client(self.site.data / "api.sock")

    def round(self, number: int) -> None:
        self._note("own start", self.hand.seconds())
        self._note("rollback, order to switch", self._order())
        self._quiet()
        self._note("own start", self.hand.seconds())
        self._note("rollback, command", self._command())
        self._quiet()
        self.repository.commit(self._files(f"push {number}"))
        began = time.monotonic()
        push = self.repository.push(self.name)
        self._note("push of one file", time.monotonic() - began)
        assert push.status == 0, push
        self._quiet()

    def _order(self) -> float:
        """From the request to the API's word that traffic has switched."""
        before, began = self._previous(), time.monotonic()
        path, switched = f"/deployments/{self.name}/rollback", 0.0
        for message in self.client.stream("POST", path, {"release": before}):
            if SWITCHED in json.loads(message.data)["text"]:
                switched = time.monotonic()
        assert switched, "it did not switch"
        return switched - began

    def _command(self) -> float:
        before, began = self._previous(), time.monotonic()
        done = self.site.calzion("rollback", self.name, f"v{before}")
        took = time.monotonic() - began
        assert done.returncode == 0, done.stderr
        return took

    def _previous(self) -> int:
        found = self.client.get(f"/deployments/{self.name}/releases")
        return max(each["version"] for each in found if each["rollback"])

    def _quiet(self) -> None:
        """The old instance has ended: it burdens no later measurement."""
        eventually(lambda: len(self.client.get(f"/deployments/{self.name}/instances")) == 1)

    def _note(self, kind: str, seconds: float) -> None:
        self.seconds.setdefault(kind, []).append(seconds)

    def _files(self, text: str) -> dict[str, str]:
        return {
            "template.yaml": "web: {git: ., healthcheck: /}\n",
            "Procfile": f"web: {COMMAND}\n",
            "server.py": SERVER.replace("DELAY", str(self.delay)).replace("VERSION", text),
        }

    def figures(self) -> dict[str, float]:
        medians = {kind: median(each) for kind, each in self.seconds.items()}
        own = medians["own start"]
        return {
            **{f"{self.name} service: {kind} (s)": round(value, 3) for kind, value in medians.items()},
            **{
                f"{self.name} service: {kind} / own start": round(value / own, 2)
                for kind, value in medians.items()
                if kind.startswith("rollback")
            },
        }


def run(rounds: int) -> None:
    site = Site()
    try:
        site.start("--keep-releases", "1000")  # the slug that is started by hand is one of them
        added = site.calzion("keys", "add", "alice", str(site.root / "alice.pub"), "--allow", "*")
        assert added.returncode == 0, added.stderr
        subjects = [Subject(site, name, delay) for name, delay in DELAYS.items()]
        for subject in subjects:
            subject.prepare()
            subject.round(0)
            subject.seconds.clear()
        for number in range(rounds):
            for subject in subjects:
                subject.round(number + 1)
        figures = {key: value for subject in subjects for key, value in subject.figures().items()}
        report("rollback", {"rounds": rounds, **figures})
    finally:
        site.close()


if __name__ == "__main__":
    run(*([int(each) for each in sys.argv[1:]] or [20]))
