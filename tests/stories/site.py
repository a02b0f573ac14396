"""A whole Calzion for push stories: the real program, the stock git and OpenSSH clients, a user who pushes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from calzion.backends.choice import DOCKER, chosen_backend
from calzion.backends.docker.engine import Engine
from calzion.layout import Layout
from tests.containers import remove_traces

DEADLINE = 60.0
PROGRAM = [sys.executable, "-m", "calzion"]


class Site:
    """A server with a scratch data directory, ports of its own, and one user's key."""

    def __init__(self, backend: str = "process") -> None:
        self.backend = backend
        self.root = Path(tempfile.mkdtemp(prefix="cz"))
        self.data = self.root / "data"
        self.ssh, self.http, self.api = free_port(), free_port(), free_port()
        self.server: subprocess.Popen[str] | None = None
        self.add_key("alice")

    def add_key(self, user: str) -> Path:
        key = self.root / user
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        return key

    def start(self, *flags: str) -> None:
        addresses = ["--ssh", f"127.0.0.1:{self.ssh}", "--http", f"127.0.0.1:{self.http}"]
        addresses += ["--api", f"127.0.0.1:{self.api}"]
        settings = [*addresses, "--backend", self.backend, "--drain-timeout", "2"]
        self.server = self.serve([*PROGRAM, "serve", "--data", str(self.data), *settings, *flags])
        assert self.server.stdout is not None
        line = self.server.stdout.readline()
        assert "ready" in line, line

    def serve(self, command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def stop(self) -> None:
        self.calzion("stop", "--all")
        if self.server:
            self.server.wait(30)
            assert self.server.stdout is not None
            self.server.stdout.close()

    def close(self) -> None:
        self.stop()
        deadline = time.monotonic() + 10
        # The host daemon stops answering a moment before it ends.
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        if chosen_backend(Layout(self.data)) == DOCKER:
            remove_traces(Engine(Layout(self.data), os.environ))
        shutil.rmtree(self.root, ignore_errors=True)
        assert not left, left

    def calzion(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*PROGRAM, *arguments, "--data", str(self.data)]
        return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)

    def json(self, *arguments: str) -> Any:
        result = self.calzion(*arguments, "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def repository(self, name: str, files: dict[str, str], user: str = "alice") -> Repository:
        return Repository(self, name, files, user)

    def get(self, deployment: str, path: str = "/") -> tuple[int, str]:
        """GET through the router; the status is 0 where nothing answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}")
        request.add_header("Host", f"{deployment}.localhost")
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                request, timeout=10
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def parts(self) -> list[str]:
        """The parts that its supervisor keeps up."""
        return list(json.loads((self.data / "run" / "parts.json").read_text())["parts"])

    def pid(self, part: str) -> int:
        """0 while the part is down."""
        parts = json.loads((self.data / "run" / "parts.json").read_text())["parts"]
        return int(parts[part]["pid"] or 0)

    def processes(self) -> list[str]:
        """Command lines that name this site's data directory."""
        found = []
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.data) in line:
                found.append(line[:200])
        return found


class Repository:
    """A user's clone. `push` gives what git printed."""

    def __init__(self, site: Site, name: str, files: dict[str, str], user: str) -> None:
        self.site = site
        self.path = Path(tempfile.mkdtemp(dir=site.root))
        ssh = (
            f"ssh -i {site.root}/{user} -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new"
            f" -o UserKnownHostsFile={site.root}/known -o LogLevel=ERROR"
        )
        self.environment = {**os.environ, "GIT_SSH_COMMAND": ssh, "GIT_TERMINAL_PROMPT": "0"}
        self.git("init", "--quiet", "--initial-branch=master")
        self.git("remote", "add", "calzion", f"ssh://git@127.0.0.1:{site.ssh}/{name}")
        self.commit(files)

    def git(self, *arguments: str) -> str:
        result = self.start(*arguments)
        output, errors = result.communicate(timeout=DEADLINE)
        assert result.returncode == 0, errors
        return output.strip()

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        identity = ["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false"]
        return subprocess.Popen(
            ["git", "-C", str(self.path), *identity, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def commit(self, files: dict[str, str]) -> None:
        for name, content in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode())
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")

    def push(self, target: str, *options: str) -> Push:
        process = self.start("push", *options, "calzion", f"HEAD:refs/heads/{target}")
        _, errors = process.communicate(timeout=120)
        return Push(process.returncode, errors)

    def remote_ref(self, branch: str) -> str:
        """The commit of a branch on the server; '' without one, or without a repository."""
        listed = self.start("ls-remote", "calzion", f"refs/heads/{branch}")
        output, errors = listed.communicate(timeout=DEADLINE)
        assert listed.returncode == 0 or "no such repository" in errors, errors
        return output.split("\t")[0]


class Push:
    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = "\n".join(line.removeprefix("remote: ").rstrip() for line in text.splitlines())

    def __contains__(self, words: str) -> bool:
        return words in self.text

    def __repr__(self) -> str:
        return f"git push ended with {self.status}:\n{self.text}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(holds: Callable[[], Any], what: str = "") -> Any:
    deadline = time.monotonic() + DEADLINE
    while not (result := holds()):
        assert time.monotonic() < deadline, f"never came: {what or holds}"
        time.sleep(0.05)
    return result
