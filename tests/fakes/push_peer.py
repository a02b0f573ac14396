"""A scripted stand-in for the reconciler's push socket, and a world for real clients."""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from calzion.config import Address
from calzion.progress import Event
from calzion.resources import resource
from calzion.sshd.server import SshConfig, SshServer

DEADLINE = 30.0


def eventually(holds: Callable[[], Any], what: str = "") -> Any:
    deadline = time.monotonic() + DEADLINE
    while not (result := holds()):
        assert time.monotonic() < deadline, f"never came: {what or holds}"
        time.sleep(0.01)
    return result


class Talk:
    """The peer's side of one push."""

    def __init__(self, connection: socket.socket, push: dict[str, Any]) -> None:
        self.push = push
        self.said: list[dict[str, Any]] = []
        self.closed = False
        self._connection = connection

    def tell(self, kind: str, text: str, **more: Any) -> None:
        self._connection.sendall(Event(kind=kind, text=text, **more).to_json().encode() + b"\n")

    def hang_up(self) -> None:
        self._connection.shutdown(socket.SHUT_RDWR)

    def heard(self, op: str) -> dict[str, Any]:
        found = eventually(lambda: [each for each in self.said if each["op"] == op], f"op {op}")
        return dict(found[0])

    def read(self, lines: Any) -> None:
        with suppress(OSError):
            for line in lines:
                self.said.append(json.loads(line))
        self.closed = True


Script = Callable[[Talk], None]


def accept(talk: Talk) -> None:
    talk.tell("step", "building")
    talk.tell("done", "live")


class PushPeer:
    """`script` plays for each push; `denied` are (repository, service) pairs that are refused."""

    def __init__(self, path: Path) -> None:
        self.script: Script = accept
        self.users: dict[str, str] = {}
        self.denied: set[tuple[str, str]] = set()
        self.after_authorize: Callable[[dict[str, Any]], Any] = lambda question: None
        self.asked: list[dict[str, Any]] = []
        self.talks: list[Talk] = []
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def talk(self) -> Talk:
        eventually(lambda: self.talks, "a push")
        return self.talks[-1]

    def close(self) -> None:
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            line = lines.readline()
            if not line:
                return
            question = json.loads(line)
            if question["op"] == "authorize":
                self.asked.append(question)
                answer = self._judge(question)
                self.after_authorize(question)
                connection.sendall(json.dumps(answer).encode() + b"\n")
                return
            talk = Talk(connection, question["push"])
            self.talks.append(talk)
            reading = threading.Thread(target=talk.read, args=(lines,), daemon=True)
            reading.start()
            self.script(talk)
            reading.join()

    def _judge(self, question: dict[str, Any]) -> dict[str, Any]:
        user = self.users.get(question["fingerprint"])
        if user is None:
            return {"allowed": False, "message": "unknown key"}
        if (question["repository"], question["service"]) in self.denied:
            return {"allowed": False, "message": f"{user} may not use {question['repository']}"}
        return {"allowed": True, "user": user, "admin": False}


class World:
    """An SSH server, its peer, a work tree and keys, below `root`."""

    def __init__(self, root: Path, **config: Any) -> None:
        self.root = root
        self.hooks = root / "hooks"
        shutil.copytree(resource("hooks"), self.hooks)
        self.repositories = root / "repositories"
        self.peer = PushPeer(root / "push.sock")
        self._config = config
        self.start()
        self.key = self.new_key("alice")
        self.tree = root / "tree"
        self.git("init", "-q", "-b", "master", str(self.tree), cwd=root)
        self.commit("one")

    def new_server(self, address: Address) -> SshServer:
        return SshServer(
            SshConfig(
                address=address,
                keys=self.root / "ssh",
                push_socket=self.root / "push.sock",
                repositories=self.repositories,
                hooks=self.hooks,
                **self._config,
            )
        )

    def start(self, port: int = 0) -> None:
        self.server = self.new_server(Address("127.0.0.1", port))
        started: queue.Queue[Address] = queue.Queue()
        self.thread = threading.Thread(target=self.server.run, args=(started.put,), daemon=True)
        self.thread.start()
        self.port = started.get(timeout=DEADLINE).port

    def stop(self) -> None:
        self.server.stop()
        self.thread.join(DEADLINE)
        assert not self.thread.is_alive()

    def restart(self, **config: Any) -> None:
        self.stop()
        self._config |= config
        self.start(self.port)

    def close(self) -> None:
        self.stop()
        self.peer.close()

    def new_key(self, user: str | None, name: str = "") -> Path:
        path = self.root / f"key_{user or name}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        listing = subprocess.run(["ssh-keygen", "-lf", str(path)], check=True, capture_output=True, text=True)
        if user:
            self.peer.users[listing.stdout.split()[1]] = user
        return path

    def ssh_command(self, *keys: Path) -> list[str]:
        options = ["IdentitiesOnly=yes", "StrictHostKeyChecking=no", f"UserKnownHostsFile={self.root}/known"]
        options += ["BatchMode=yes", "LogLevel=ERROR", "IdentityAgent=none"]
        words = [word for option in options for word in ("-o", option)]
        for key in keys or (self.key,):
            words += ["-i", str(key)]
        return ["ssh", "-F", "/dev/null", *words]

    def environment(self, *keys: Path) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "LC_ALL": "C",
            "GIT_SSH_COMMAND": " ".join(self.ssh_command(*keys)),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        }

    def url(self, repository: str = "myapp") -> str:
        return f"ssh://git@127.0.0.1:{self.port}/{repository}"

    def git(
        self, *words: str, cwd: Path | None = None, check: bool = True, keys: tuple[Path, ...] = ()
    ) -> str:
        result = self.try_git(*words, cwd=cwd, keys=keys)
        assert result.returncode == 0 or not check, result.stderr
        return result.stdout.strip()

    def try_git(
        self, *words: str, cwd: Path | None = None, keys: tuple[Path, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *words],
            cwd=cwd or self.tree,
            env=self.environment(*keys),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start_push(self, *refs: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["git", "push", self.url(), *refs],
            cwd=self.tree,
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def push(self, *words: str, repository: str = "myapp") -> subprocess.CompletedProcess[str]:
        return self.try_git("push", self.url(repository), *(words or ("master:staging",)))

    def ssh(
        self, *command: str, key: Path | None = None, loud: bool = False
    ) -> subprocess.CompletedProcess[str]:
        words = self.ssh_command(key or self.key)
        loudness = ["-o", "LogLevel=INFO"] if loud else []
        return subprocess.run(
            [words[0], *loudness, *words[1:], "-p", str(self.port), "git@127.0.0.1", *command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def commit(self, text: str) -> str:
        (self.tree / "file").write_text(text)
        self.git("add", ".")
        self.git("commit", "-q", "-m", text)
        return self.git("rev-parse", "HEAD")

    def bare(self, repository: str = "myapp") -> Path:
        return self.repositories / f"{repository}.git"

    def ref(self, name: str, repository: str = "myapp") -> str:
        """What the server's ref holds, read by git itself; '' where there is none."""
        if not self.bare(repository).exists():
            return ""
        bare = str(self.bare(repository))
        return self.git("--git-dir", bare, "rev-parse", "-q", "--verify", name, check=False)
