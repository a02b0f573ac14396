"""An environment that is cheap to roll out, and whose every release makes use of all that a rollout can do."""

from __future__ import annotations

NAME = "crash"

SERVER = """
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"TEXT")

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""

KEPT = "keeper"
"""Has a volume: its old instance ends before its new one begins."""


def guest(version: int) -> str:
    """A service with a volume that this version alone has."""
    return f"guest{version}"


def services(version: int) -> list[str]:
    return ["web", KEPT, guest(version)]


def files(version: int, *, well: bool = True) -> dict[str, str]:
    """Every service says its version, and differs from that of every other one. Unless `well`, the last one to start
    fails.
    """
    template = (
        'web: {git: web, release: "true"}\n'
        f"{KEPT}: {{git: keeper, volumes: {{data: /data}}}}\n"
        f"{guest(version)}: {{git: guest, volumes: {{data: /data}}}}\n"
        f'Run: {{seed{version}: {{service: web, cmd: "true"}}}}\n'
    )
    found = {"template.yaml": template}
    for directory in ("web", "keeper", "guest"):
        fails = directory == "keeper" and not well
        found[f"{directory}/Procfile"] = f"web: {'exit 1' if fails else 'exec python3 server.py'}\n"
        found[f"{directory}/server.py"] = SERVER.replace("TEXT", str(version))
        found[f"{directory}/name"] = directory
    return found
