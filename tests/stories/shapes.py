"""Apps in the shapes of real ones, with nothing to install."""

from __future__ import annotations

ANSWER = """
import http.server, json, os, pathlib, signal, socket, sys, threading, time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, b"up")

    def answer(self, status, body, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


PORT = int(os.environ.get("PORT", 0))


def serve(handler=Handler, host="", server=Server, port=PORT):
    server((host, port), handler).serve_forever()
"""
"""A module `answer` for the apps below."""


def app(program: str, procfile: str = "web: python3 main.py\n", keys: str = "") -> dict[str, str]:
    """A repository with one service; `keys` are lines of its template."""
    template = "web:\n  git: .\n" + "".join(f"  {line}\n" for line in keys.splitlines())
    return {"template.yaml": template, **_files(program), "Procfile": procfile}


def _files(program: str) -> dict[str, str]:
    return {"answer.py": ANSWER, "main.py": f"from answer import *\n{program}\n"}


_SIX = """
class Six(Server):
    address_family = socket.AF_INET6

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, %d)
        super().server_bind()


serve(host=%r, server=Six)
"""

LISTENERS = {
    "every-ipv6-alone": _SIX % (1, "::"),
    "both-families": _SIX % (0, "::"),
    "ipv6-localhost": _SIX % (1, "::1"),
    "mapped-ipv4": _SIX % (0, "::ffff:127.0.0.1"),
    "ipv4-localhost": 'serve(host="127.0.0.1")',
    "own-host-name": "serve(host=socket.gethostname())",
}
"""Where servers listen."""

_STATUS = """
class Odd(Handler):
    def do_GET(self):
        self.answer(%d, b"", ("Location", "https://elsewhere.test/"))

    do_HEAD = do_GET


serve(Odd)
"""
STATUSES = {f"answers-{status}": _STATUS % status for status in (302, 400, 404, 405)}
"""What servers answer to a health check of `/`."""

CHATTY = """
for number in range(200_000):
    print("line", number, "x" * 60)
sys.stdout.flush()
serve()
"""

FORKER = """
def child():
    if os.fork() == 0:
        os._exit(0)
    os._exit(0)


for _ in range(50):
    if os.fork() == 0:
        child()
server = Server(("", PORT), Handler)
for _ in range(2):
    if os.fork() == 0:
        server.serve_forever()
signal.pause()
"""
"""A master that serves nothing itself, and zombies around it that have lost their parents."""

MASTER_OF_THE_DEAD = """
server = Server(("", PORT), Handler)
if os.fork() == 0:
    time.sleep(1)
    print("no module named so", flush=True)
    os._exit(1)
os.wait()
server.server_close()
time.sleep(0.3)
sys.exit(3)
"""
"""Listens before its worker has loaded the code, which it can't."""

WRITER = """
import tempfile


class Writer(Handler):
    def do_GET(self):
        for path in ("/app/new", "/tmp/new", "/var/tmp/new", "/dev/shm/new", __file__):
            pathlib.Path(path).write_text("written")
        (pathlib.Path.home() / ".cache").mkdir(exist_ok=True)
        tempfile.NamedTemporaryFile().close()
        self.answer(200, str(pathlib.Path.home()).encode())


serve(Writer)
"""

MACHINE = """
import locale, multiprocessing, resource, shutil, ssl, subprocess


def double(number):
    return 2 * number


def run(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


class Machine(Handler):
    def do_GET(self):
        with multiprocessing.get_context("fork").Pool(2) as pool:
            doubled = pool.map(double, [1, 2])
        run("git", "init", "--quiet", "/tmp/repository")
        run("git", "-C", "/tmp/repository", "config", "user.email", "app@localhost")
        run("git", "-C", "/tmp/repository", "commit", "--quiet", "--allow-empty", "--message", "made")
        found = {
            "doubled": doubled,
            "git": run("git", "-C", "/tmp/repository", "log", "--format=%s"),
            "fonts": bool(shutil.which("fc-list") and run("fc-list")),
            "authorities": len(ssl.create_default_context().get_ca_certs()),
            "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            "encoding": locale.getpreferredencoding(),
            "zone": time.tzname[0],
            "user": run("id", "--user", "--name"),
        }
        self.answer(200, json.dumps(found).encode())


if __name__ == "__main__":
    serve(Machine)
"""
"""What programs expect of the machine around them."""

TWO_PORTS = """
early = socket.create_server(("127.0.0.1", 0))


class Opener(Handler):
    def do_GET(self):
        if self.path == "/open":
            port = int(os.environ["PORT_METRICS"])
            threading.Thread(target=serve, kwargs={"port": port}, daemon=True).start()
        self.answer(200, (os.environ["PORT"] == os.environ["PORT_HTTP"] and b"first is PORT") or b"?")


time.sleep(0.5)
serve(Opener)
"""
"""Another port first, then the one with the traffic; the second of its own once it is asked to."""

VISITOR = """
import urllib.request


class Visitor(Handler):
    def do_GET(self):
        url = f"http://two-ports:{os.environ['TWO_PORTS_PORT_METRICS']}/"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                self.answer(answer.status, answer.read())
        except OSError as error:
            self.answer(503, str(error).encode())


serve(Visitor)
"""

_PROGRAMS = {
    **LISTENERS,
    **STATUSES,
    "chatty": CHATTY,
    "forker": FORKER,
    "writer": WRITER,
    "machine": MACHINE,
    "two-ports": TWO_PORTS,
    "visitor": VISITOR,
}


def gallery() -> dict[str, str]:
    """A repository with all of them, a service each."""
    files = {"template.yaml": "Env: {TZ: Asia/Tokyo}\n"}
    for name, program in _PROGRAMS.items():
        keys = "  healthcheck: /\n" if name in STATUSES else ""
        keys += "  ports: [http, metrics]\n" if name == "two-ports" else ""
        files["template.yaml"] += f"{name}:\n  git: {name}\n{keys}"
        files |= {f"{name}/{file}": content for file, content in _files(program).items()}
        files[f"{name}/Procfile"] = "web: python3 main.py\n"
    return files


SHELL = """
class Told(Handler):
    def do_GET(self):
        given = {name: os.environ.get(name) for name in ("FIRST", "SECOND", "THIRD")}
        self.answer(200, json.dumps({**given, "arguments": sys.argv[1:], "directory": os.getcwd()}).encode())


serve(Told)
"""
SHELL_PROCFILE = (
    "# what runs\r\n\r\n"
    "web: FIRST='a  b'; export FIRST ; mkdir -p sub && cd sub && SECOND=\"$FIRST\" exec env THIRD=3"
    " python3 ../main.py ${PORT:-5000} ${NOTHING:-default} $((1 + 1)) 2>&1  \r\n"
    "my-worker: sleep 1000 | cat\r\n"
    "\tmy_worker2 :  while true; do sleep 1000; done \r\n"
)

PATIENT = """
told, waiting = threading.Event(), threading.Event()


def end(*_):
    told.set()
    if not waiting.is_set():
        os._exit(0)


signal.signal(signal.SIGTERM, end)


class Patient(Handler):
    def do_GET(self):
        if self.path != "/wait":
            return self.answer(200, b"up")
        waiting.set()
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"waiting\\n")
        told.wait()
        self.wfile.write(b"told to end\\n")
        os._exit(0)


serve(Patient)
"""
"""Says over a connection that SIGTERM came."""

DEAF = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)


class Deaf(Handler):
    def do_GET(self):
        if self.path == "/die":
            os._exit(1)
        self.answer(200, b"%s")


serve(Deaf)
"""
