"""A real etcd of the tests' own, and what can happen to one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.fakes.host import free_port

QUOTA = 16 << 20
"""Bytes at which etcd says that its disk is full; its smallest database takes some of them."""


class EtcdServer:
    """`tls` is a directory with the files ca.pem, server.pem, server.key, client.pem and client.key. `also` is another
    address at which it listens."""

    def __init__(self, directory: Path, *flags: str, tls: Path | None = None, also: str = "") -> None:
        program = shutil.which("etcd")
        assert program, "install etcd-server"
        self.port, peers = free_port(), free_port()
        self._tls = tls
        self._url, peer = f"http{'s' if tls else ''}://127.0.0.1:{self.port}", f"http://127.0.0.1:{peers}"
        self.directory = directory
        own, more = self._url, [f"http://{also}:{self.port}"] if also else []
        if tls:
            flags = (
                *("--client-cert-auth", "--trusted-ca-file", str(tls / "ca.pem")),
                *("--cert-file", str(tls / "server.pem"), "--key-file", str(tls / "server.key"), *flags),
            )
        self._command = [
            *(program, "--data-dir", str(directory / "etcd"), "--log-level", "error"),
            *("--listen-client-urls", ",".join((own, *more)), "--advertise-client-urls", own),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"default={peer}", "--quota-backend-bytes", str(QUOTA)),
            *("--heartbeat-interval", "10", "--election-timeout", "100", *flags),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with (self.directory / "etcd.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        until(self._accepts)

    def kill(self) -> None:
        assert self._process
        self._process.kill()
        self._process.wait(10)

    def pause(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.go_on()
        self.kill()

    def control(self, *arguments: str, version: int = 3) -> str:
        """What etcdctl prints."""
        return self._etcdctl(*arguments, version=version).stdout

    def compact(self) -> None:
        """Forget all history."""
        status = json.loads(self.control("endpoint", "status", "--write-out", "json"))
        self.control("compact", str(status[0]["Status"]["header"]["revision"]), "--physical")

    def put(self, key: str, value: str) -> bool:
        """False where etcd takes no more."""
        return self._etcdctl("put", key, given=value, check=False).returncode == 0

    def _etcdctl(
        self, *arguments: str, version: int = 3, given: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        files = {"--cacert": "ca.pem", "--cert": "client.pem", "--key": "client.key"}
        tls = [f"{flag}={self._tls / name}" for flag, name in files.items()] if self._tls else []
        return subprocess.run(
            ["etcdctl", "--endpoints", self._url, *tls, *arguments],
            env={**os.environ, "ETCDCTL_API": str(version)},
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=check,
        )

    def _accepts(self) -> bool:
        assert self._process
        assert self._process.poll() is None, (self.directory / "etcd.log").read_text()[-2000:]
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return self._tls is not None or self._is_healthy()

    def _is_healthy(self) -> bool:
        """Whether it has a leader."""
        try:
            with urllib.request.urlopen(f"{self._url}/health", timeout=1) as answer:
                return b'"true"' in answer.read()
        except OSError:
            return False


def until(holds: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to it"
        time.sleep(0.01)


def addresses(servers: Sequence[EtcdServer]) -> tuple[tuple[str, int], ...]:
    return tuple(("127.0.0.1", server.port) for server in servers)
