"""This side of an export or import: an archive goes one way, and events come until the last one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BufferedReader
from typing import IO

from calzion.errors import CalzionError
from calzion.frames import END_OF_INPUT, EVENT, INPUT, OUTPUT, SIGNAL, frame, frames
from calzion.progress import Event

_BLOCK = 1 << 18


def received(reader: BufferedReader, write: Callable[[bytes], object]) -> Iterator[Event]:
    """The events of a connection, while `write` gets the bytes that come with them."""
    with suppress(OSError, ValueError):
        for kind, payload in frames(reader):
            if kind == OUTPUT:
                _written(write, payload)
            elif kind == EVENT:
                yield Event.from_json(payload.decode())


class Sender:
    """What this side says. Two threads may."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send_all(self, file: IO[bytes]) -> None:
        """Send a file in a thread of its own. One that can't be read to its end ends the connection."""
        threading.Thread(target=self._send_all, args=(file,), name="archive", daemon=True).start()

    def cancel(self) -> None:
        self._send(frame(SIGNAL, b"SIGINT"))

    def _send_all(self, file: IO[bytes]) -> None:
        with suppress(OSError):
            try:
                while data := file.read(_BLOCK):
                    self._send(frame(INPUT, data))
                self._send(frame(END_OF_INPUT))
            except OSError:
                self._connection.shutdown(socket.SHUT_RDWR)

    def _send(self, data: bytes) -> None:
        with suppress(BrokenPipeError, ConnectionResetError), self._lock:
            self._connection.sendall(data)


def _written(write: Callable[[bytes], object], payload: bytes) -> None:
    try:
        write(payload)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CalzionError(
            f"the file can't be written: {error.strerror}", hint="nothing was exported"
        ) from error
