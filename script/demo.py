"""The demo: a push of the guestbook with the stock git client, checked through the router.

Services run as processes of this machine, or as containers where `--backend docker` asks for them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CALZION = ROOT / ".venv" / "bin" / "calzion"
DEPLOYMENT = "myapp-staging"
PATIENCE = 60.0


class Demo:
    """One run. `scratch` holds everything that it makes, but for what a container engine keeps."""

    def __init__(self, scratch: Path, backend: str) -> None:
        self.scratch = scratch
        self.backend = backend
        self.data = scratch / "data"
        self.app = scratch / "guestbook"
        self.ssh, self.http = free_port(), free_port()
        self.server: subprocess.Popen[bytes] | None = None

    def prepare_engine(self) -> float:
        """Have an engine that answers, and the images of containers; returns the seconds that these took."""
        if not engine_answers() and os.geteuid() == 0:
            say("installing and starting a Docker Engine")
            run([str(ROOT / "script" / "engine"), "install"])
            run([str(ROOT / "script" / "engine"), "start"])
        assert engine_answers(), "no Docker Engine answers: 'docker version' says why"
        say("calzion images build")
        began = time.monotonic()
        self.calzion("images", "build")
        return time.monotonic() - began

    def start(self) -> None:
        say(f"starting Calzion, backend {self.backend}")
        addresses = ["--ssh", f"127.0.0.1:{self.ssh}", "--http", f"127.0.0.1:{self.http}"]
        options = ["--data", str(self.data), "--backend", self.backend, *addresses]
        # In a session of its own, Ctrl-C leaves it to `stop`, which needs it once more.
        self.server = subprocess.Popen([CALZION, "serve", *options], start_new_session=True)
        self.wait(lambda: self.calzion("status", quiet=True).returncode == 0, "Calzion to be ready")

    def add_key(self) -> None:
        say("adding a fresh SSH key")
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.scratch / "id")])
        self.calzion("keys", "add", "demo", str(self.scratch / "id.pub"), "--allow", "*")

    def make_repository(self) -> None:
        shutil.copytree(ROOT / "examples" / "guestbook", self.app)
        self.git("init", "--quiet", "--initial-branch=master")
        self.git("remote", "add", "calzion", f"ssh://git@127.0.0.1:{self.ssh}/guestbook")
        self.commit("The guestbook")

    def push(self) -> float:
        """Push with the stock git client; returns the seconds it took."""
        command = f"git push calzion master:{DEPLOYMENT}"
        say(command)
        began = time.monotonic()
        self.git("push", "calzion", f"master:{DEPLOYMENT}")
        return time.monotonic() - began

    def use(self, text: str) -> None:
        """Sign the guestbook, and see the entry (PostgreSQL) and the worker's counter (Redis) change."""
        before = self.counted()
        self.request(urllib.parse.urlencode({"text": text}).encode())
        assert text in self.page(), "the entry is not on the page"
        self.wait(lambda: self.counted() > before, "the worker to count the entry")
        say(
            f"signed as {text!r}: the entry is in PostgreSQL, and the worker has counted {self.counted()} in Redis"
        )

    def change(self, old: str, new: str) -> None:
        file = self.app / "app.py"
        file.write_text(file.read_text().replace(old, new))
        self.commit("Another greeting")

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        identity = ["-c", "user.name=demo", "-c", "user.email=demo@localhost"]
        self.git(*identity, "commit", "--quiet", "--allow-empty", "--message", message)

    def page(self) -> str:
        return self.request(None)

    def counted(self) -> int:
        return int(self.page().split('id="counted">')[1].split("<")[0])

    def request(self, body: bytes | None) -> str:
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/", body)
        request.add_header("Host", f"{DEPLOYMENT}.localhost:{self.http}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), KeepHost())
        with opener.open(request, timeout=30) as response:
            return str(response.read().decode())

    def stop(self) -> None:
        if self.server is None:
            return
        self.calzion("destroy", DEPLOYMENT, "--yes", quiet=True)
        self.calzion("stop", "--all", quiet=True)
        self.server.wait(30)
        left = processes_naming(str(self.scratch))
        if self.backend == "docker":
            left += kept_by_engine((self.data / "installation").read_text().strip())
        assert not left, f"still there: {left}"

    def git(self, *arguments: str) -> None:
        ssh = (
            f"ssh -i {self.scratch}/id -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new"
            f" -o UserKnownHostsFile={self.scratch}/known_hosts -o LogLevel=ERROR"
        )
        run(["git", "-C", str(self.app), *arguments], env={**os.environ, "GIT_SSH_COMMAND": ssh})

    def calzion(self, *arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[bytes]:
        output = subprocess.DEVNULL if quiet else None
        command = [str(CALZION), *arguments, "--data", str(self.data)]
        return subprocess.run(command, stdout=output, stderr=output, check=not quiet)

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert self.server is None or self.server.poll() is None, "Calzion ended"
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            time.sleep(0.1)

    def show_logs(self) -> None:
        for file in sorted((self.data / "logs").glob("*.log")):
            lines = file.read_text(errors="replace").splitlines()[-15:]
            print(f"--- {file.name}", *lines, sep="\n", file=sys.stderr)


class KeepHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to the same server, where urllib would forget the Host header."""

    def redirect_request(self, request, *arguments):  # type: ignore[no-untyped-def]
        new = super().redirect_request(request, *arguments)
        if new is not None:
            new.full_url = urllib.parse.urljoin(request.full_url, urllib.parse.urlsplit(new.full_url).path)
            new.add_header("Host", request.get_header("Host"))
        return new


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="check everything, push again, and end")
    parser.add_argument(
        "--backend", choices=("process", "docker"), default="process", help="what runs the services"
    )
    chosen = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    began = time.monotonic()
    scratch = Path(tempfile.mkdtemp(prefix="calzion-"))
    demo = Demo(scratch, chosen.backend)
    try:
        play(demo, chosen.once, began)
    except KeyboardInterrupt:
        pass
    except (AssertionError, OSError, subprocess.CalledProcessError) as error:
        print(f"the demo failed: {error}", file=sys.stderr)
        demo.show_logs()
        return 1
    finally:
        demo.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


def play(demo: Demo, once: bool, began: float) -> None:
    images = demo.prepare_engine() if demo.backend == "docker" else None
    demo.start()
    demo.add_key()
    demo.make_repository()
    first = demo.push()
    demo.use("Ada")
    demo.calzion("ps", DEPLOYMENT)
    if not once:
        say(
            f"open http://{DEPLOYMENT}.localhost:{demo.http}/ (from elsewhere on this machine: 127.0.0.1:{demo.http})"
        )
        say(f"look:  {CALZION} logs -f {DEPLOYMENT} --data {demo.data}")
        say(f"push:  cd {demo.app}, commit, git push calzion master:{DEPLOYMENT}")
        say("Ctrl-C ends it and removes everything")
        assert demo.server is not None
        demo.server.wait()
        return
    demo.change("Welcome to the guestbook", "Welcome back")
    changed = demo.push()
    assert "Welcome back" in demo.page(), "the change is not live"
    demo.use("Grace")
    demo.commit("Nothing")
    unchanged = demo.push()
    built = f"images {images:.1f} s, " if images is not None else ""
    pushes = f"first push {first:.2f} s, one changed file {changed:.2f} s, unchanged tree {unchanged:.2f} s"
    say(f"{demo.backend}: {built}{pushes}")
    say(f"all in all {time.monotonic() - began:.1f} s")


def say(text: str) -> None:
    print(f"==> {text}", flush=True)


def run(command: list[str], env: dict[str, str] | None = None) -> None:
    subprocess.run(command, env=env, check=True)


def engine_answers() -> bool:
    try:
        return subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def kept_by_engine(installation: str) -> list[str]:
    """Containers, volumes and networks that an installation of Calzion has in the engine."""
    found = []
    for kind in (["container", "ls", "--all"], ["volume", "ls"], ["network", "ls"]):
        only = ["--quiet", "--filter", f"label=calzion.installation={installation}"]
        listed = subprocess.run(["docker", *kind, *only], capture_output=True, text=True, check=True)
        found += [f"{kind[0]} {name}" for name in listed.stdout.split()]
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes_naming(text: str) -> list[str]:
    """Command lines of processes, other than this one's, that name the scratch directory."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line and file.parent.name != str(os.getpid()):
            found.append(f"{file.parent.name}: {line[:120]}")
    return found


if __name__ == "__main__":
    sys.exit(main())
