"""The connection of an export or import: frames with bytes one way, events, and a word that it is to end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from calzion.controller.channel import Channel, error_event
from calzion.controller.locks import CancellationToken
from calzion.errors import CalzionError
from calzion.frames import END_OF_INPUT, EVENT, INPUT, OUTPUT, SIGNAL, frame, frames
from calzion.progress import Event

_log = logging.getLogger(__name__)

_CHUNK = 1 << 18


class Wire:
    """After the answer on its channel nothing else is sent there. Telling a client that is gone is no error."""

    def __init__(self, channel: Channel) -> None:
        self._connection = channel.connection
        self._frames = frames(channel.reader)
        self._sending = threading.Lock()
        self._arrived = bytearray()
        self._ended = False
        self.cancellation = CancellationToken()

    def tell(self, event: Event) -> None:
        with suppress(OSError), self._sending:
            self._connection.sendall(frame(EVENT, event.to_json().encode(errors="backslashreplace")))

    def give(self, data: bytes) -> None:
        """Bytes for the client. Raises CalzionError (cancelled) where it is gone."""
        try:
            for start in range(0, len(data), _CHUNK):
                with self._sending:
                    self._connection.sendall(frame(OUTPUT, data[start : start + _CHUNK]))
        except OSError as error:
            raise _left() from error

    def read(self, size: int = -1, /) -> bytes:
        """The client's bytes, b'' at their end. Raises EOFError where it left before, CalzionError (cancelled)."""
        while not self._arrived and not self._ended:
            kind, payload = self._next()
            if kind == INPUT:
                self._arrived += payload
            elif kind == END_OF_INPUT:
                self._ended = True
            elif kind == SIGNAL:
                raise _left()
            else:
                raise EOFError
        size = len(self._arrived) if size < 0 else size
        taken = bytes(self._arrived[:size])
        del self._arrived[:size]
        return taken

    def watch(self) -> None:
        """From now on, whatever comes, and the client's end, cancels."""
        threading.Thread(target=self._listen, name="client", daemon=True).start()

    @contextmanager
    def telling(self) -> Iterator[None]:
        """The client hears of an error that leaves this, unless a story has told it."""
        try:
            yield
        except CalzionError as error:
            if not error.told:
                self.tell(error_event(error))
            error.told = True
            raise
        except Exception as error:
            _log.exception("an export or import broke")
            broken = CalzionError(
                f"Calzion itself failed: {type(error).__name__}: {error}",
                hint="its log (logs/reconciler.log below the data directory) has the cause",
            )
            self.tell(error_event(broken))
            broken.told = True
            raise broken from error

    def _next(self) -> tuple[bytes, bytes]:
        """The next frame; one of no kind where there is none any more."""
        try:
            return next(self._frames, (b"", b""))
        except (OSError, ValueError):
            return b"", b""

    def _listen(self) -> None:
        self._next()
        self.cancellation.cancel()


def _left() -> CalzionError:
    return CalzionError("cancelled: nothing has changed", code="cancelled")
