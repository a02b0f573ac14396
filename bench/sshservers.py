"""The servers that are measured side by side: Calzion's SSH server, OpenSSH as it comes, OpenSSH at its best."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.push_peer import PushPeer
from tests.stories.site import free_port

_NODELAY = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
static void at_once(int fd) { int yes = 1; setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); }
int connect(int fd, const struct sockaddr *to, socklen_t size) {
    int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    at_once(fd);
    return next(fd, to, size);
}
int accept(int fd, struct sockaddr *from, socklen_t *size) {
    int (*next)(int, struct sockaddr *, socklen_t *) = dlsym(RTLD_NEXT, "accept");
    int accepted = next(fd, from, size);
    if (accepted >= 0) at_once(accepted);
    return accepted;
}
"""
"""OpenSSH switches TCP_NODELAY on for terminals alone."""

_BEST = ["KexAlgorithms=curve25519-sha256", "Ciphers=aes128-gcm@openssh.com"]


class Contestant(ABC):
    """A server of bare repositories below `root`, or none: then git works on their paths."""

    name: str

    def __init__(self, root: Path) -> None:
        self.root = root / type(self).__name__.lower()
        self.root.mkdir()
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def sink(self) -> str:
        """A command that reads its input to the end and does nothing with it."""

    def path(self, repository: str) -> Path:
        return self.root / f"{repository}.git"

    def url(self, repository: str) -> str:
        return f"ssh://{_user()}@127.0.0.1:{self.port}{self.path(repository)}"

    def ssh(self, root: Path) -> list[str]:
        options = ["IdentitiesOnly=yes", "StrictHostKeyChecking=no", f"UserKnownHostsFile={self.root}/known"]
        options += ["BatchMode=yes", "LogLevel=ERROR", "IdentityAgent=none", "ControlMaster=no"]
        words = [word for option in options for word in ("-o", option)]
        return ["ssh", "-F", "/dev/null", *words, "-i", str(root / "key")]

    def session(self, root: Path, command: str) -> list[str]:
        return [*self.ssh(root), "-p", str(self.port), f"{_user()}@127.0.0.1", command]

    def close(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)


class Local(Contestant):
    name = "local git"
    sink = ""

    def url(self, repository: str) -> str:
        return str(self.path(repository))


class Stock(Contestant):
    name = "OpenSSH"
    sink = "cat >/dev/null"
    preload: tuple[str, ...] = ()

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.port = free_port()
        configuration = self.root / "sshd_config"
        configuration.write_text(_sshd_config(root, self.port))
        words = [*self.preload, "/usr/sbin/sshd", "-D", "-e", "-f", str(configuration)]
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.process = subprocess.Popen(words, stderr=(self.root / "log").open("wb"))
        _await(self.port)


class Ideal(Stock):
    """The key exchange and the cipher that OpenSSH does fastest, and TCP_NODELAY at both ends."""

    name = "OpenSSH, ideal"

    def __init__(self, root: Path) -> None:
        library = root / "nodelay.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-x", "c", "-o", str(library), "-"],
            input=_NODELAY.encode(),
            check=True,
        )
        self.preload = ("env", f"LD_PRELOAD={library}")
        super().__init__(root)

    def ssh(self, root: Path) -> list[str]:
        return [*self.preload, *super().ssh(root), *(word for each in _BEST for word in ("-o", each))]


class Calzion(Contestant):
    """The SSH server in a process of its own; a stand-in of the reconciler accepts every push."""

    name = "Calzion"
    sink = "git-receive-pack 'sink'"

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.peer = PushPeer(self.root / "push.sock")
        listing = subprocess.run(
            ["ssh-keygen", "-lf", str(root / "key")], check=True, capture_output=True, text=True
        )
        self.peer.users[listing.stdout.split()[1]] = "bench"
        self.start(root)

    def start(self, root: Path) -> None:
        programs = self._with_sink(root)
        command = [sys.executable, "-m", "bench.sshalone", str(self.root), str(programs)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def path(self, repository: str) -> Path:
        return self.root / "repositories" / f"{repository}.git"

    def url(self, repository: str) -> str:
        return f"ssh://git@127.0.0.1:{self.port}/{repository}"

    def close(self) -> None:
        super().close()
        self.peer.close()

    def _with_sink(self, root: Path) -> Path:
        """A git that swallows what is pushed to the repository `sink`, and is git in everything else."""
        directory = root / "programs"
        directory.mkdir(exist_ok=True)
        script = directory / "git"
        git = shutil.which("git")
        script.write_text(
            f'#!/bin/sh\ncase "$*" in *" receive-pack "*/sink.git) exec cat >/dev/null ;; esac\nexec {git} "$@"\n'
        )
        script.chmod(0o755)
        return directory


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes of a process, shared ones by their share."""

    pss: int

    @classmethod
    def of(cls, pid: int) -> Memory:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return cls(pss=sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")))


def _sshd_config(root: Path, port: int) -> str:
    return f"""
Port {port}
ListenAddress 127.0.0.1
HostKey {root}/host
PidFile none
AuthorizedKeysFile {root}/key.pub
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
MaxStartups 400:30:500
AcceptEnv GIT_PROTOCOL
PrintMotd no
LogLevel ERROR
SetEnv SHLVL=5
"""


def _user() -> str:
    return (
        os.environ.get("USER")
        or subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
    )


def _await(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "sshd does not listen"
            time.sleep(0.01)
