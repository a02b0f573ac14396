"""A client of the SSH server that says what git never would: exec lines and packets as they are given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko

ZERO = "0" * 40
_SECONDS = 60.0
_CAPABILITIES = "report-status side-band-64k push-options"


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    text: str
    """Everything that the server said to a human or of a ref, with `remote: ` nowhere."""


class Client:
    def __init__(self, port: int, key: Path) -> None:
        self._port, self._key = port, key
        self._transport = self._connect()

    def close(self) -> None:
        self._transport.close()

    def run(self, line: bytes, stdin: bytes = b"") -> Answer:
        """One exec request and everything that comes back; 255 where the server hangs up, as ssh has it."""
        try:
            return self._run(line, stdin)
        except (EOFError, ConnectionError, paramiko.SSHException):
            self._transport.close()
            self._transport = self._connect()
            return Answer(status=255, text="the server hung up")

    def _connect(self) -> paramiko.Transport:
        transport = paramiko.Transport(("127.0.0.1", self._port))
        transport.start_client(timeout=_SECONDS)
        transport.auth_publickey("git", paramiko.Ed25519Key.from_private_key_file(str(self._key)))
        return transport

    def _run(self, line: bytes, stdin: bytes) -> Answer:
        channel = self._transport.open_session(timeout=_SECONDS)
        channel.settimeout(_SECONDS)
        try:
            channel.exec_command(line)  # type: ignore[arg-type]  # bytes are what SSH sends
            self._send(channel, stdin)
            output = b"".join(iter(lambda: channel.recv(1 << 16), b""))
            errors = b"".join(iter(lambda: channel.recv_stderr(1 << 16), b""))
            status = channel.recv_exit_status()
        finally:
            channel.close()
        return Answer(status=status, text=_said(output) + errors.decode(errors="replace"))

    def push(
        self,
        repository: str,
        updates: Sequence[tuple[str, str, str]],
        pack: bytes = b"",
        *,
        options: Sequence[bytes] = (),
        shallow: Iterable[str] = (),
    ) -> Answer:
        """A push of `updates`, (old, new, ref) each, which may hold anything."""
        lines = [f"shallow {each}".encode() for each in shallow]
        lines += [f"{old} {new} {ref}".encode(errors="surrogateescape") for old, new, ref in updates]
        wanted = _CAPABILITIES if options else _CAPABILITIES.removesuffix(" push-options")
        first = next((number for number, line in enumerate(lines) if not line.startswith(b"shallow")), None)
        if first is not None:
            lines[first] += b"\0 " + wanted.encode()
        data = b"".join(map(packet, lines)) + b"0000"
        if options:
            data += b"".join(map(packet, options)) + b"0000"
        return self.run(f"git-receive-pack '/{repository}.git'".encode(), data + pack)

    def _send(self, channel: paramiko.Channel, data: bytes) -> None:
        """A server that has heard enough may hang up in the middle."""
        try:
            channel.sendall(data)
            channel.shutdown_write()
        except OSError:
            return


def packet(data: bytes) -> bytes:
    return b"%04x" % (len(data) + 4) + data


def _said(output: bytes) -> str:
    """What stands in side bands, and in packets without one."""
    said = bytearray()
    while len(output) >= 4:
        size = int(output[:4], 16) if output[:4].isalnum() else 0
        content, output = output[4:size], output[max(size, 4) :]
        said += content[1:] if content[:1] in (b"\1", b"\2", b"\3") else content
    return bytes(said).decode(errors="replace")
