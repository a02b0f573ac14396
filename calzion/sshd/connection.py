"""One client's SSH connection: public keys alone, and git's commands alone."""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from typing import cast

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_FAILED_RESOURCE_SHORTAGE,
    OPEN_SUCCEEDED,
)

from calzion.errors import CalzionError
from calzion.sshd.controller import Controller, User
from calzion.sshd.fastpath import FastTransport, Inlet
from calzion.sshd.gitserver import GitServer
from calzion.sshd.hostkeys import fingerprint
from calzion.sshd.session import Session
from calzion.sshd.wire import BoundedPacketizer, Wire

_log = logging.getLogger(__name__)

KEEPALIVE = 15
"""Seconds of silence after which a message is sent, so that no firewall forgets a push that builds."""

_MAX_SESSIONS = 10
_WINDOW = 2 << 20
_PROTOCOL = re.compile(rb"version=[0-9]{1,3}(?::[a-z0-9=.-]{1,64}){0,8}")
_CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)
_DIGESTS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
_KEY_EXCHANGES = (
    "mlkem768x25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
)


class Connection(paramiko.ServerInterface):
    """Paramiko calls the `check_…` methods from the connection's thread, one at a time."""

    def __init__(
        self,
        connected: socket.socket,
        keys: list[paramiko.PKey],
        controller: Controller,
        git: GitServer,
        *,
        fast: bool,
    ) -> None:
        self._fast = fast
        self._controller = controller
        self._git = git
        self._user: User | None = None
        self._address = _address_of(connected)
        self._protocols: dict[int, str] = {}
        self._used: set[int] = set()
        self._waiting: list[Session] = []
        self._opened = 0
        self._running = 0
        self.since = time.monotonic()
        self._lock = threading.Lock()
        self._wire = Wire(connected, before_read=self._start_sessions)
        self._transport = self._make_transport(keys)

    def start(self) -> None:
        self._transport.start_server(event=threading.Event(), server=self)

    @property
    def is_open(self) -> bool:
        return self._transport.is_active()

    @property
    def is_busy(self) -> bool:
        """Whether a session is running."""
        return self._running > 0

    @property
    def is_authenticated(self) -> bool:
        return self._transport.is_authenticated()

    def hang_up(self) -> None:
        self._wire.hang_up()

    def _make_transport(self, keys: list[paramiko.PKey]) -> paramiko.Transport:
        if self._fast:
            transport: paramiko.Transport = FastTransport(self._wire, _WINDOW)
        else:
            transport = paramiko.Transport(
                cast(socket.socket, self._wire),
                packetizer_class=BoundedPacketizer,
                default_window_size=_WINDOW,
            )
        transport.local_version = "SSH-2.0-Calzion"
        options = transport.get_security_options()
        options.ciphers = _CIPHERS
        options.digests = _DIGESTS
        options.kex = tuple(name for name in _KEY_EXCHANGES if name in options.kex)
        for key in keys:
            transport.add_server_key(key)
        transport.set_keepalive(KEEPALIVE)
        return transport

    # Who it is

    def get_banner(self) -> tuple[str | None, str | None]:
        if self._controller.reachable():
            return None, None
        return "Calzion's controller is not running; try again in a moment\r\n", "en"

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:  # noqa: ARG002
        # Asked for keys that a client only offers, too: what counts is the last answer before Paramiko has
        # verified a signature, which it does right after this call.
        self._user = None
        try:
            self._user = self._controller.authorize(fingerprint(key), address=self._address)
        except CalzionError as error:
            _log.info("%s is refused: %s", fingerprint(key), error)
            return AUTH_FAILED
        return AUTH_SUCCESSFUL

    # What it may do

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        self._wire.trusted = True
        with self._lock:
            if kind != "session":
                return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
            if self._opened >= _MAX_SESSIONS:
                return OPEN_FAILED_RESOURCE_SHORTAGE
            self._opened += 1
            return OPEN_SUCCEEDED

    def check_channel_env_request(self, channel: paramiko.Channel, name: bytes, value: bytes) -> bool:
        if name != b"GIT_PROTOCOL" or not _PROTOCOL.fullmatch(value):
            return False
        self._protocols[channel.get_id()] = value.decode()
        return True

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        return self._prepare(channel, command)

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        """Answered with a sentence that says what this server is for; there is no shell."""
        return self._prepare(channel, b"")

    def _prepare(self, channel: paramiko.Channel, command: bytes) -> bool:
        if self._user is None or channel.get_id() in self._used:
            return False
        self._used.add(channel.get_id())
        if self._fast:
            Inlet.install(channel)
        protocol = self._protocols.pop(channel.get_id(), "")
        session = Session(user=self._user, line=command, protocol=protocol, channel=channel)
        self._waiting.append(session)
        return True

    def _start_sessions(self) -> None:
        # Paramiko confirms a request after its check has returned; a session that began there could end
        # before it was confirmed. Reading on means that it was.
        while self._waiting:
            session = self._waiting.pop(0)
            with self._lock:
                self._running += 1
            threading.Thread(target=self._run, args=(session,), daemon=True, name="ssh-session").start()

    def _run(self, session: Session) -> None:
        try:
            session.run(self._git)
        finally:
            with self._lock:
                self._running -= 1
                self._opened -= 1


def _address_of(connected: socket.socket) -> str:
    try:
        peer = connected.getpeername()
    except OSError:
        return ""
    return str(peer[0]) if isinstance(peer, tuple) else ""
