"""Carries bytes between an SSH channel and a git process, and notices when the client is gone."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import paramiko

from calzion.gitreceive.child import Child
from calzion.sshd.fastpath import Inlet

_CHUNK = 1 << 16
_LAST_WORDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How many seconds a client may neither send nor take anything, unless `excused`; `on_end` is told why."""

    seconds: float
    excused: Callable[[], bool]
    on_end: Callable[[str], None]


class Pump:
    """The end of the client's input is normal: git closes its side after the pack. A closed channel is not,
    before `finish`: then `gone` is called, once, from the pump's thread. git's output is read to its end in
    any case. A client that does nothing is hung up on in time, which makes it gone."""

    def __init__(
        self, channel: paramiko.Channel, child: Child, gone: Callable[[], None], patience: Patience
    ) -> None:
        self._channel = channel
        self._child = child
        self._gone = gone
        self._finished = False
        self._deaf = False
        self._feeder = threading.Thread(target=self._feed, daemon=True, name="ssh-input")
        self._inlet = Inlet.of(channel)
        self._head = b""
        self._patience = patience
        self._moved = time.monotonic()
        channel.settimeout(patience.seconds)
        os.set_blocking(child.stdin, False)

    @property
    def head(self) -> bytes:
        """The first bytes of the client's input."""
        return self._head if self._inlet is None else self._inlet.head

    def run(self) -> None:
        """Returns when git, and all that it started, have closed their outputs."""
        self._feeder.start()
        poll = select.poll()
        sinks = {self._child.stdout: self._channel.sendall, self._child.stderr: self._channel.sendall_stderr}
        for descriptor in sinks:
            poll.register(descriptor, select.POLLIN)
        while sinks:
            for descriptor, _ in poll.poll(self._patience_left() * 1000):
                data = os.read(descriptor, _CHUNK)
                if data:
                    self._send(sinks[descriptor], data)
                else:
                    poll.unregister(descriptor)
                    del sinks[descriptor]

    def finish(self, status: int) -> None:
        """Tell the client git's exit status, end its session, and close the child."""
        self._finished = True
        end_channel(self._channel, status)
        self._feeder.join()
        self._child.close()

    def _patience_left(self) -> float:
        """Seconds to wait for git before the client is looked at again; hangs up on one that had its time."""
        if self._deaf:
            return self._patience.seconds
        moved = max(self._moved, self._inlet.moved if self._inlet else 0.0)
        left = moved + self._patience.seconds - time.monotonic()
        if left > 0:
            return left
        if not self._patience.excused():
            self._hang_up()
        return self._patience.seconds

    def _hang_up(self) -> None:
        self._deaf = True
        sentence = (
            f"nothing was sent or taken for {self._patience.seconds:g} seconds (setting ssh-idle-timeout)"
        )
        self._patience.on_end(sentence)
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.settimeout(_LAST_WORDS)
            self._channel.sendall_stderr(f"{sentence}\n".encode())
        self._channel.close()

    def _send(self, send: Callable[[bytes], None], data: bytes) -> None:
        if self._deaf:
            return
        try:
            send(data)
            self._moved = time.monotonic()
        except TimeoutError:
            self._hang_up()
        except (OSError, EOFError, paramiko.SSHException):
            self._deaf = True
            self._channel.close()

    def _feed(self) -> None:
        try:
            if self._inlet is None:
                self._copy()
            else:
                self._inlet.run(self._child.stdin)
        finally:
            self._child.close_input()
        self._channel.status_event.wait()
        if not self._finished:
            self._gone()

    def _copy(self) -> None:
        while data := self._receive():
            self._moved = time.monotonic()
            if len(self._head) < 4:
                self._head += data[:4]
            if not self._write(data):
                break

    def _receive(self) -> bytes:
        while True:
            try:
                return self._channel.recv(_CHUNK)
            except TimeoutError:
                continue
            except (OSError, EOFError, paramiko.SSHException):
                return b""

    def _write(self, data: bytes) -> bool:
        """False where nobody takes or sends the input any more."""
        left = memoryview(data)
        poll = select.poll()
        poll.register(self._child.stdin, select.POLLOUT)
        while left:
            try:
                left = left[os.write(self._child.stdin, left) :]
            except BlockingIOError:
                if self._channel.closed:
                    return False
                poll.poll(1000)
            except BrokenPipeError:
                return False
        return True


def end_channel(channel: paramiko.Channel, status: int) -> None:
    try:
        channel.send_exit_status(status)
        channel.close()
    except (OSError, EOFError, paramiko.SSHException):
        return
