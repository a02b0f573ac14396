"""An instance that is killed under load: seconds until it gets nothing new, and what clients saw of it.

`script/bench dead [ROUNDS]`. It is out when HAProxy has it down; until then each try that meets its closed port goes to
another instance. Only what was under way at its end may fail, with 502.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from bench.load import percentile
from bench.report import report
from calzion.model import Endpoint
from calzion.routing.runtime import RuntimeApi
from tests.integration.router_rig import Rig, free_port, until, web

HOST, INSTANCES, CLIENTS = "dead.test", 3, 8

_APP = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Instance:
    def __init__(self) -> None:
        self.endpoint = Endpoint("127.0.0.1", free_port())
        self.process = subprocess.Popen([sys.executable, "-c", _APP, str(self.endpoint.port)])

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


class Clients:
    """Half keep their connection, half come anew each time."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._over = threading.Event()
        self.answers: Counter[str] = Counter()
        self.latencies: list[float] = []
        self._threads = [
            threading.Thread(target=self._ask, args=(number % 2 == 0,)) for number in range(CLIENTS)
        ]
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        self._over.set()
        for each in self._threads:
            each.join()

    def _ask(self, kept: bool) -> None:
        connection = self._rig.connect()
        headers = {"Host": HOST} | ({} if kept else {"Connection": "close"})
        while not self._over.is_set():
            began = time.monotonic()
            try:
                connection.request("GET", "/", headers=headers)
                response = connection.getresponse()
                response.read()
                self.answers[str(response.status)] += 1
            except (OSError, http.client.HTTPException) as error:
                self.answers[type(error).__name__] += 1
                connection.close()
            self.latencies.append(time.monotonic() - began)


def run(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="cz") as directory:
        rig = Rig(Path(directory))
        out: list[float] = []
        answers: Counter[str] = Counter()
        latencies: list[float] = []
        try:
            for _ in range(rounds):
                clients = _round(rig, out)
                answers += clients.answers
                latencies += clients.latencies
        finally:
            rig.close()
    report(
        "dead",
        {
            "rounds": rounds,
            "seconds until out, median": percentile(out, 0.5),
            "seconds until out, longest": max(out),
            "answers": dict(answers),
            "slowest answer, seconds": max(latencies),
        },
    )


def _round(rig: Rig, out: list[float]) -> Clients:
    instances = [Instance() for _ in range(INSTANCES)]
    rig.router.apply(web({HOST: "p"}, {"p": tuple(each.endpoint for each in instances)}))
    until(lambda: rig.get(HOST)[0] == 200 and _up(rig) == INSTANCES)
    clients = Clients(rig)
    until(lambda: clients.answers.total() > 50 * INSTANCES)
    began = time.monotonic()
    instances[0].end()
    until(lambda: _up(rig) == INSTANCES - 1)
    out.append(time.monotonic() - began)
    clients.stop()
    for each in instances[1:]:
        each.end()
    return clients


def _up(rig: Rig) -> int:
    """Servers that HAProxy sends requests to."""
    with RuntimeApi(rig.layout.router_socket) as api:
        rows = api.ask("show stat http_0 4 -1").splitlines()
    return sum(row.split(",")[17] == "UP" for row in rows if row.startswith("http_0,"))


if __name__ == "__main__":
    run(int(sys.argv[1]) if sys.argv[1:] else 10)
