"""Applications to push, small enough to start at once."""

from __future__ import annotations

from pathlib import Path

SERVER = """
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        known = {name: value for name, value in os.environ.items() if not name.startswith("_")}
        if self.path == "/die":
            os._exit(9)
        client = self.headers["X-Forwarded-For"]
        body = json.dumps({"text": TEXT, "env": known, "client": client}).encode()
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


CLIENT = Path(__file__).parents[2] / "examples" / "discovery" / "calzion_discovery.py"

ASKING = """
        if self.path == "/found":
            import calzion_discovery
            return self.tell(calzion_discovery.instances("web"))
        if self.path.startswith("/refused?"):
            import calzion_discovery
            os.environ["DISCOVERY_TOKEN"] = self.path.partition("?")[2] + token[token.index("."):]
            try:
                return self.tell(calzion_discovery.instances("web"))
            except OSError as error:
                return self.tell(error.code)
            finally:
                os.environ["DISCOVERY_TOKEN"] = token
        self.tell({"text": TEXT, "env": known, "client": client})

    def tell(self, answer):
        body = json.dumps(answer).encode()
"""


def asking(text: str = "one") -> dict[str, str]:
    """Tells who is found of its service, and what another deployment's name in its token leads to."""
    own = '        body = json.dumps({"text": TEXT, "env": known, "client": client}).encode()\n'
    server = SERVER.replace(own, ASKING[1:]).replace(
        "TEXT =", 'token = os.environ["DISCOVERY_TOKEN"]\nTEXT ='
    )
    files = web(text)
    return files | {
        "server.py": server.replace('"one"', repr(text)),
        CLIENT.name: CLIENT.read_text(encoding="utf-8"),
    }
