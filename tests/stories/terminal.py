"""A person at a terminal: the real command on a real pty."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time

from tests.stories.site import DEADLINE, Site


class Person:
    """Runs `calzion` with these arguments; what it printed is `seen`."""

    def __init__(self, site: Site, *arguments: str, rows: int = 30, columns: int = 100) -> None:
        self._terminal, other = os.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(
            ["setsid", "--ctty", sys.executable, "-m", "calzion", "--data", str(site.data), *arguments],
            stdin=other,
            stdout=other,
            stderr=other,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        os.close(other)
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def sees(self, text: str) -> str:
        """Wait for it; returns what was printed up to and with it, and forgets that."""
        deadline = time.monotonic() + DEADLINE
        while text not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0 and self._read(left), f"{text!r} is not in {self.seen!r}"
        end = self.seen.index(text) + len(text)
        found, self.seen = self.seen[:end], self.seen[end:]
        return found

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def leaves(self) -> int:
        """Read to the end; its exit code."""
        while self._read(DEADLINE):
            pass
        return self.process.wait(DEADLINE)

    def raw(self) -> bool:
        """Whether the terminal is in raw mode."""
        return not termios.tcgetattr(self._terminal)[3] & termios.ICANON

    def close(self) -> None:
        """As closing the window does."""
        os.close(self._terminal)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._terminal], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._terminal, 1 << 16)
        except OSError:
            return False
        self.seen += data.decode(errors="replace")
        return True
