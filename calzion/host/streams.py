"""What an attached process reads and writes: pipes, or a terminal (pty(7)) of its own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import termios
from collections.abc import Sequence

from calzion.model import TerminalSize

_MOST = (1 << 16) - 1


class Streams:
    """`inner` are the process's standard input, output and error; `outer` is what its user gets.

    That is the terminal's other side, or the other ends of the three pipes. Raises OSError.
    """

    def __init__(self, terminal: TerminalSize | None) -> None:
        self.terminal = terminal is not None
        self.inner: Sequence[int]
        self.outer: Sequence[int]
        if terminal is None:
            pipes = [os.pipe() for _ in range(3)]
            (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr) = pipes
            self.inner, self.outer = (stdin, stdout, stderr), (to_stdin, from_stdout, from_stderr)
            return
        master, slave = os.openpty()
        resize(master, terminal)
        self.inner, self.outer = (slave, slave, slave), (master,)

    def give(self, owner: int) -> None:
        """Let a user open them by name too: /dev/stdout, /dev/console."""
        for descriptor in set(self.inner):
            os.fchown(descriptor, owner, -1)

    def close(self) -> None:
        """Only who was handed a side keeps it."""
        for descriptor in {*self.inner, *self.outer}:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def resize(terminal: int, size: TerminalSize) -> None:
    """Set a terminal's size; the kernel tells the foreground processes by SIGWINCH."""
    rows, columns = (max(0, min(each, _MOST)) for each in (size.rows, size.columns))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
