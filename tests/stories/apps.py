"""Applications to push, small enough to start at once."""

from __future__ import annotations

SERVER = """
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        known = {name: value for name, value in os.environ.items() if not name.startswith("_")}
        if self.path == "/die":
            os._exit(9)
        body = json.dumps({"text": TEXT, "env": known}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

TEXT = "one"
print("listening", flush=True)
http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""


def web(text: str = "one", **more: str) -> dict[str, str]:
    """One web process and nothing to install."""
    return {
        "template.yaml": "web:\n  git: .\n  healthcheck: {grace: 5}\n",
        "Procfile": "web: exec python3 server.py\n",
        "server.py": SERVER.replace('"one"', repr(text)),
        **{name.replace("__", "."): content for name, content in more.items()},
    }
