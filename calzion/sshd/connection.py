"""One client's SSH connection: public keys alone, and git's commands alone."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    MSG_USERAUTH_REQUEST,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_FAILED_RESOURCE_SHORTAGE,
    OPEN_SUCCEEDED,
)

from calzion.sshd.channels import Channels
from calzion.sshd.controller import Controller
from calzion.sshd.farewell import farewell
from calzion.sshd.fastpath import Inlet
from calzion.sshd.gitserver import GitServer
from calzion.sshd.hostkeys import fingerprint
from calzion.sshd.limits import SshLimits, origin_of
from calzion.sshd.login import Login
from calzion.sshd.notices import Notices
from calzion.sshd.offer import no_key_of_ours, strange_key
from calzion.sshd.session import Session
from calzion.sshd.transport import make_transport, packetizer_of
from calzion.sshd.wire import Wire

_LAST_WORDS = 2.0
_PROTOCOL = re.compile(rb"version=[0-9]{1,3}(?::[a-z0-9=.-]{1,64}){0,8}")


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What the connections of a server have in common."""

    keys: list[paramiko.PKey]
    controller: Controller
    git: GitServer
    limits: SshLimits
    notices: Notices
    fast: bool


class Connection(paramiko.ServerInterface):
    """Paramiko calls the `check_…` methods from the connection's thread, one at a time.

    `admit` is asked once who it is is proved, and gives the reason why it is turned away, or ''.
    """

    def __init__(
        self, connected: socket.socket, address: str, serving: Serving, admit: Callable[[Connection], str]
    ) -> None:
        self.address = address
        self.origin = origin_of(address)
        self.since = self.quiet_since = time.monotonic()
        self.is_admitted = False
        self.farewell = ""
        """Why it is being hung up on."""
        self._serving = serving
        self._limits = serving.limits
        self._admit = admit
        self._login = Login(serving.controller, address, serving.limits.tries)
        self._protocols: dict[int, str] = {}
        self._waiting: list[Session] = []
        self._wire = Wire(connected, before_read=self._start_sessions, on_excess=self._refuse)
        self._transport = make_transport(self._wire, serving.keys, fast=serving.fast)
        packetizer_of(self._transport).max_packet = self._limits.login_packet
        packetizer_of(self._transport).on_excess = self._refuse_packet
        packetizer_of(self._transport).takes = self._takes
        self._channels = Channels(self._transport, serving.limits.sessions)

    def start(self) -> None:
        self._transport.start_server(event=threading.Event(), server=self)

    @property
    def is_open(self) -> bool:
        return self._transport.is_active()

    @property
    def is_busy(self) -> bool:
        """Whether a session is running."""
        return self._channels.any_runs

    @property
    def has_keys(self) -> bool:
        """Whether the first key exchange is over."""
        return self._transport.initial_kex_done

    @property
    def is_authenticated(self) -> bool:
        return self._transport.is_authenticated()

    @property
    def key(self) -> str:
        """The fingerprint of the key that was last found to be somebody's."""
        return self._login.user.fingerprint if self._login.user else ""

    def hang_up(self) -> None:
        self._wire.hang_up()

    def dismiss(self, sentence: str, now: float) -> None:
        """Tell the client why, and hang up; asked again, hang up on one that does not listen. Never waits."""
        if not self.farewell:
            self._last_words = now + _LAST_WORDS
            self.farewell = sentence
            threading.Thread(target=self._part, args=(sentence,), daemon=True, name="ssh-farewell").start()
        elif now > self._last_words:
            self.hang_up()

    def _part(self, sentence: str) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._transport.packetizer.send_message(farewell(sentence))
        self.hang_up()

    def _turn_away(self, sentence: str) -> None:
        """In the connection's thread."""
        self._last_words = time.monotonic() + _LAST_WORDS
        self.farewell = sentence
        self._part(sentence)

    def _refuse_packet(self, what: str) -> None:
        self._refuse(f"{what} (setting {'ssh-packet' if self._wire.trusted else 'ssh-login-packet'})")

    def _refuse(self, what: str) -> None:
        """What comes in goes beyond a limit. In the connection's thread."""
        kind = "packets" if self._wire.trusted else "packets before the login"
        self._serving.notices.tell(kind, f"{self.address} is hung up on: {what}")
        self._turn_away(what)

    def _trust(self) -> None:
        self._wire.trusted = True
        packetizer_of(self._transport).max_packet = self._limits.packet

    # Who it is

    def get_banner(self) -> tuple[str | None, str | None]:
        if self._serving.controller.reachable():
            return None, None
        return "Calzion's controller is not running; try again in a moment\r\n", "en"

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:  # noqa: ARG002
        offered = fingerprint(key)
        if self._may_try(offered) and self._login.judge(offered):
            return AUTH_SUCCESSFUL
        if self._login.undecided:
            self._turn_away("Calzion can't look up keys at the moment; try again")
        return AUTH_FAILED

    def _may_try(self, offered: str) -> bool:
        if self._login.may_try(offered):
            return True
        tried = f"{self._limits.tries} keys were tried (setting ssh-tries)"
        self._serving.notices.tell("ssh-tries", f"{self.address} is hung up on: {tried}")
        self._turn_away(f"{tried}; name the right one: ssh -o IdentitiesOnly=yes -i KEY")
        return False

    def _takes(self, kind: int, message: paramiko.Message) -> bool:
        if kind != MSG_USERAUTH_REQUEST or not self.has_keys or self.is_authenticated:
            return True
        offered = strange_key(message, self._transport.preferred_pubkeys)
        if offered and self._may_try(offered):
            self._transport.packetizer.send_message(no_key_of_ours())
        return not offered

    # What it may do

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        if sentence := self._admit(self):
            self._turn_away(sentence)
            return OPEN_FAILED_RESOURCE_SHORTAGE
        self._trust()
        if kind != "session":
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        if self._channels.has_room():
            return OPEN_SUCCEEDED
        self._serving.notices.tell(
            "ssh-sessions",
            f"{self.address} is refused a session: {self._limits.sessions} are open (setting ssh-sessions)",
        )
        return OPEN_FAILED_RESOURCE_SHORTAGE

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
        if self._login.user is None or not self._channels.take(channel):
            return False
        if self._serving.fast:
            Inlet.install(channel)
        protocol = self._protocols.pop(channel.get_id(), "")
        session = Session(user=self._login.user, line=command, protocol=protocol, channel=channel)
        self._waiting.append(session)
        return True

    def _start_sessions(self) -> None:
        # Paramiko confirms a request after its check has returned; a session that began there could end
        # before it was confirmed. Reading on means that it was.
        while self._waiting:
            session = self._waiting.pop(0)
            threading.Thread(target=self._run, args=(session,), daemon=True, name="ssh-session").start()

    def _run(self, session: Session) -> None:
        with self._channels.running(session.channel):
            try:
                session.run(self._serving.git)
            finally:
                self.quiet_since = time.monotonic()
                Inlet.remove(session.channel)
