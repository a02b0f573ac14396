"""A command's terminal or pipes on one side, a connection of frames on the other: bytes go both ways until it ends."""

from __future__ import annotations

import queue
import socket
import threading
from contextlib import suppress

from calzion.backends.protocol import STDERR, Attached
from calzion.errors import CalzionError
from calzion.frames import (
    END_OF_INPUT,
    ERROR_OUTPUT,
    INPUT,
    OUTPUT,
    RESIZE,
    SIGNAL,
    WINDOW,
    Reader,
    exit_frame,
    frame,
    frames,
    read_size,
    taken_frame,
)
from calzion.model import Exit

SIGNALS = frozenset({"SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"})


class Attachment:
    """One attached command and its client. A client that goes away ends it."""

    def __init__(self, attached: Attached, connection: socket.socket, reader: Reader) -> None:
        self._attached = attached
        self._connection = connection
        self._reader = reader
        self._sending = threading.Lock()
        self._input: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._given = self._taken = 0

    def run(self) -> Exit:
        """Carry bytes until the command has ended, and tell its client how."""
        writer = threading.Thread(target=self._write, name="run-input", daemon=True)
        writer.start()
        threading.Thread(target=self._listen, name="run-listen", daemon=True).start()
        while chunk := self._attached.read():
            stream, data = chunk
            self._send(frame(ERROR_OUTPUT if stream == STDERR else OUTPUT, data))
        exit_ = self._attached.wait()
        self._send(exit_frame(exit_))
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._input.put(None)
        writer.join()
        self._attached.close()
        return exit_

    def _listen(self) -> None:
        """Input never keeps a signal or the client's end from being heard: it waits in a queue of WINDOW bytes."""
        with suppress(OSError, ValueError, KeyError, TypeError, CalzionError):
            for kind, payload in frames(self._reader):
                self._heard(kind, payload)
        self._attached.hang_up()
        self._input.put(None)

    def _heard(self, kind: bytes, payload: bytes) -> None:
        if kind == INPUT and payload:
            self._given += len(payload)
            if self._given - self._taken > WINDOW:
                raise ValueError("more input than was asked for")
            self._input.put(payload)
        elif kind == END_OF_INPUT:
            self._input.put(b"")
        elif kind == RESIZE:
            self._attached.resize(read_size(payload))
        elif kind == SIGNAL and (name := payload.decode()) in SIGNALS:
            self._attached.signal(name)

    def _write(self) -> None:
        while (data := self._input.get()) is not None:
            if not data:
                self._attached.end_input()
                continue
            self._attached.write(data)
            self._taken += len(data)
            self._send(taken_frame(len(data)))

    def _send(self, data: bytes) -> None:
        """A client that is gone no longer listens; the command is told by `_listen`."""
        with suppress(OSError), self._sending:
            self._connection.sendall(data)
