"""This side of an attached command: the terminal's or the pipes' bytes, its size, and signals."""

from __future__ import annotations

import os
import select
import signal
import socket
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from calzion.cli.client import lost
from calzion.errors import CalzionError
from calzion.frames import (
    END_OF_INPUT,
    ERROR_OUTPUT,
    EXIT,
    INPUT,
    OUTPUT,
    SIGNAL,
    TAKEN,
    WINDOW,
    Reader,
    frame,
    frames,
    read_exit,
    size_frame,
)
from calzion.model import Exit, TerminalSize

STDIN, STDOUT, STDERR = 0, 1, 2
_BLOCK = 1 << 15
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)


def at_terminal() -> bool:
    """Whether a person sits at both ends."""
    return os.isatty(STDIN) and os.isatty(STDOUT)


def open_standard_files() -> None:
    """Have something at each of the three, before a connection takes the number of one that was closed."""
    for descriptor in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def terminal_size() -> TerminalSize:
    with suppress(OSError):
        size = os.get_terminal_size(STDOUT)
        return TerminalSize(rows=size.lines, columns=size.columns)
    return TerminalSize()


class Attachment:
    """Carries bytes until the command has ended. One thread alone sends; the main one prints and gets the signals."""

    def __init__(self, connection: socket.socket, reader: Reader, *, terminal: bool) -> None:
        self._connection = connection
        self._reader = reader
        self._terminal = terminal
        self._sent = self._taken = 0
        self._notes: list[bytes] = []
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._interrupted = False

    def run(self) -> Exit:
        """Raises CalzionError (unreachable) where the connection is lost, BrokenPipeError without a reader."""
        threading.Thread(target=self._send, name="run-input", daemon=True).start()
        with self._signals(), raw_terminal(STDIN) if self._terminal else _nothing():
            return self._receive()

    def _receive(self) -> Exit:
        try:
            for kind, payload in frames(self._reader):
                if kind == EXIT:
                    return read_exit(payload)
                self._heard(kind, payload)
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:
            raise lost() from error
        raise CalzionError(
            "the connection to Calzion was lost, and the command is ended",
            code="unreachable",
            hint="see 'calzion status'",
        )

    def _heard(self, kind: bytes, payload: bytes) -> None:
        if kind == OUTPUT:
            _write(STDOUT, payload)
        elif kind == ERROR_OUTPUT:
            _write(STDERR, payload)
        elif kind == TAKEN:
            self._taken += int(payload)
            self._note(b"")

    def _note(self, sent: bytes) -> None:
        """Have the sending thread send this, or look again. Safe in a signal's handler."""
        if sent:
            self._notes.append(sent)
        with suppress(BlockingIOError):
            os.write(self._wake, b".")

    def _send(self) -> None:
        with suppress(OSError):
            watched = [STDIN]
            while True:
                wanted = [*watched, self._woken] if self._room() else [self._woken]
                ready = select.select(wanted, [], [])[0]
                if self._woken in ready:
                    os.read(self._woken, _BLOCK)
                while self._notes:
                    self._connection.sendall(self._notes.pop(0))
                if STDIN in ready:
                    watched = [STDIN] if self._send_input() else []

    def _room(self) -> int:
        """Bytes that may be sent now. Each count has one thread that changes it."""
        return WINDOW - self._sent + self._taken

    def _send_input(self) -> bool:
        """Whether there may be more."""
        try:
            data = os.read(STDIN, min(_BLOCK, self._room()))
        except OSError:
            data = b""
        self._sent += len(data)
        self._connection.sendall(frame(INPUT, data) if data else frame(END_OF_INPUT))
        return bool(data)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """A terminal sends the size; without one, signals are the command's, and a second interrupt is ours."""

        def resized(_: int, __: FrameType | None) -> None:
            self._note(size_frame(terminal_size()))

        def forward(number: int, _: FrameType | None) -> None:
            if self._interrupted and number == signal.SIGINT:
                raise KeyboardInterrupt
            self._interrupted = number == signal.SIGINT
            self._note(frame(SIGNAL, signal.Signals(number).name.encode()))

        def end(number: int, _: FrameType | None) -> None:
            raise SystemExit(128 + number)

        handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]]
        handlers = dict.fromkeys(_FORWARDED, forward)
        if self._terminal:
            handlers = {signal.SIGWINCH: resized, signal.SIGTERM: end, signal.SIGHUP: end}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def raw_terminal(terminal: int) -> Iterator[None]:
    """Every key goes to the other side as it is typed, Ctrl-C too."""
    before = termios.tcgetattr(terminal)
    tty.setraw(terminal, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
