"""The SSH server: listens, lets clients in, and stops without losing a push."""

from __future__ import annotations

import logging
import os
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from calzion.config import Address
from calzion.gitreceive.git import SEARCH_PATH, Git
from calzion.gitreceive.hook import check_hooks
from calzion.gitreceive.repository import Repositories
from calzion.sshd import fastpath
from calzion.sshd.connection import Connection, Serving
from calzion.sshd.controller import Controller
from calzion.sshd.farewell import Leaving
from calzion.sshd.gate import Gate
from calzion.sshd.gitserver import GitServer
from calzion.sshd.hostkeys import fingerprint, host_keys
from calzion.sshd.limits import SshLimits
from calzion.sshd.listener import listen
from calzion.sshd.notices import Notices

_log = logging.getLogger(__name__)

_TICK = 0.5


@dataclass(frozen=True, kw_only=True)
class SshConfig:
    """`max_push` is bytes. Running pushes get `finish_within` seconds at a stop, and are cancelled then."""

    address: Address
    keys: Path
    push_socket: Path
    repositories: Path
    hooks: Path
    max_push: int = 2 << 30
    finish_within: float = 20.0
    cancel_within: float = 10.0
    limits: SshLimits = field(default_factory=SshLimits)
    search_path: str = SEARCH_PATH
    fast: bool = True
    """Whether to leave Paramiko's own way where that works."""


class SshServer:
    """Raises CalzionError where this machine or its data is not fit for it."""

    def __init__(self, config: SshConfig) -> None:
        self._config = config
        check_hooks(config.hooks)
        git = Git.find(config.search_path)
        repositories = Repositories(config.repositories, git)
        repositories.sweep()
        self._notices = Notices()
        controller = Controller(config.push_socket)
        self._git = GitServer(
            git=git,
            repositories=repositories,
            controller=controller,
            hooks=config.hooks,
            max_input=config.max_push,
            idle=config.limits.idle_timeout,
            notices=self._notices,
        )
        self._serving = Serving(
            keys=host_keys(config.keys),
            controller=controller,
            git=self._git,
            limits=config.limits,
            notices=self._notices,
            fast=config.fast and fastpath.works(),
        )
        self._gate = Gate(config.limits, self._notices)
        self._leaving = Leaving()
        self._wake_reader, self._wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        # Its errors are clients' mistakes, with tracebacks; what matters is logged here.
        logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)

    @property
    def fingerprint(self) -> str:
        """Of the preferred host key, as `ssh-keygen -l` shows it."""
        return fingerprint(self._serving.keys[0])

    def run(
        self, ready: Callable[[Address], None] | None = None, listener: socket.socket | None = None
    ) -> None:
        """Serve until `stop`. `ready` is called with the address, port filled in, when clients can connect.

        `listener` may be at the address already. Raises CalzionError where the address can't be had.
        """
        with listener or listen(self._config.address) as listener:
            if ready is not None:
                ready(Address(*listener.getsockname()[:2]))
            self._accept_until_stopped(listener)
        self._finish()

    def stop(self) -> None:
        """Have `run` end: no new clients, running pushes finish. Safe in a signal handler and any thread."""
        os.write(self._wake_writer, b"s")

    def _accept_until_stopped(self, listener: socket.socket) -> None:
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        poll.register(self._wake_reader, select.POLLIN)
        while True:
            found = {descriptor for descriptor, _ in poll.poll(_TICK * 1000)}
            self._gate.tidy(time.monotonic())
            self._leaving.tidy(time.monotonic())
            if self._wake_reader in found:
                return
            if found:
                self._accept(listener)

    def _accept(self, listener: socket.socket) -> None:
        try:
            connected, peer = listener.accept()
        except OSError as error:
            self._notices.tell("accept", f"a client can't be let in: {error}")
            time.sleep(_TICK / 10)
            return
        address = str(peer[0])
        if refusal := self._gate.refusal(address):
            self._leaving.send_off(connected, refusal)
            return
        try:
            connection = Connection(connected, address, self._serving, self._gate.admit)
            self._gate.add(connection)
            connection.start()
        except (OSError, RuntimeError) as error:
            self._notices.tell("serve", f"a client can't be served: {error}")
            connected.close()

    def _finish(self) -> None:
        if not self._wait_for_sessions(self._config.finish_within):
            self._git.cancel_pushes()
            self._wait_for_sessions(self._config.cancel_within)
        for connection in self._gate.connections:
            connection.hang_up()
        self._leaving.close()

    def _wait_for_sessions(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while any(connection.is_busy for connection in self._gate.connections):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True
