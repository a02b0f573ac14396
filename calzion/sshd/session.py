"""One session of a connection: a command line, served or refused."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import paramiko

from calzion.errors import CalzionError
from calzion.progress import ERROR, Event, as_text
from calzion.sshd.command import parse_exec
from calzion.sshd.controller import User
from calzion.sshd.gitserver import Call, GitServer
from calzion.sshd.pump import end_channel

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Session:
    """`line` is what the client asked to run, '' for a shell."""

    user: User
    line: bytes
    protocol: str
    channel: paramiko.Channel

    def run(self, git: GitServer) -> None:
        """Serve; whatever is refused ends with a sentence on standard error and exit status 1."""
        try:
            command = parse_exec(self.line)
            git.serve(Call(user=self.user, command=command, protocol=self.protocol, channel=self.channel))
        except CalzionError as error:
            _log.info("%s is refused %s: %s", self.user.name, ascii(self.line[:200]), error)
            self._refuse(error)
        except Exception:  # the client waits for an exit status, whatever failed
            _log.exception("session of %s, %s", self.user.name, ascii(self.line[:200]))
            self._refuse(CalzionError("the SSH server failed; its log tells why"))

    def _refuse(self, error: CalzionError) -> None:
        lines = as_text(Event(kind=ERROR, text=error.message, detail=error.as_dict()))
        try:
            self.channel.sendall_stderr("".join(f"{line}\n" for line in lines).encode())
        except (OSError, EOFError, paramiko.SSHException):
            return
        end_channel(self.channel, 1)
