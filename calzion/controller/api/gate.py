"""The API's TCP address: open while there is a token that could be shown there, closed otherwise.

gunicorn's threads serve its connections like those of the unix socket; what of gunicorn's insides that takes is in
this file alone.
"""

from __future__ import annotations

import logging
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import TConn

from calzion.config import Address
from calzion.controller.api.guests import Guests

AGAIN = 5.0
"""Seconds until an address that is not free is tried again."""

STALLED = 60
"""Seconds that a single read or write may take."""

_BACKLOG = 64

_log = logging.getLogger(__name__)


class Gate:
    """`wanted` says whether there is a valid token. Without an address it stays closed."""

    def __init__(self, address: Address | None, wanted: Callable[[], bool]) -> None:
        self.address = address
        self.guests = Guests()
        self._wanted = wanted
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._worker: Any = None
        self._problem = ""
        self._failed = threading.Event()

    def attach(self, worker: Any) -> None:
        """Let gunicorn's worker, which is about to run, serve what comes in."""
        self._worker = worker
        self.guests.watch()
        threading.Thread(target=self._try_again, name="api-gate", daemon=True).start()
        self.look()

    def look(self) -> str:
        """Open or close as is wanted now; returns why it can't be opened, '' otherwise."""
        with self._lock:
            if self.address is None or self._worker is None:
                return ""
            wanted = self._wanted()
            if wanted and self._listener is None:
                self._open(self.address)
            elif not wanted:
                self._close()
            return self._problem

    def forget(self, tokens: set[str]) -> None:
        """End the connections of tokens that were taken away, and close where none is left."""
        self.guests.hang_up(tokens)
        self.look()

    def problem(self) -> str:
        """As `look` said last."""
        return self._problem

    def _open(self, address: Address) -> None:
        try:
            listener = _listen(address)
        except OSError as error:
            problem = f"the API can't listen at {address}: {error.strerror or error}"
            if problem != self._problem:
                _log.error("%s", problem)
            self._problem = problem
            self._failed.set()
            return
        self._problem, self._listener = "", listener
        self._worker.method_queue.defer(
            self._worker.poller.register, listener, selectors.EVENT_READ, self._accept
        )
        _log.info("the API listens at %s", address)

    def _close(self) -> None:
        self._problem = ""
        if self._listener is None:
            return
        listener, self._listener = self._listener, None
        self._worker.method_queue.defer(self._shut, listener)
        _log.info("the API listens at no address: there is no valid token")

    def _shut(self, listener: socket.socket) -> None:
        with suppress(KeyError, ValueError):
            self._worker.poller.unregister(listener)
        listener.close()

    def _try_again(self) -> None:
        while True:
            self._failed.wait()
            time.sleep(AGAIN)
            self._failed.clear()
            self.look()

    def _accept(self, listener: socket.socket) -> None:
        """In the worker's main thread, which must never wait here."""
        try:
            connection, address = listener.accept()
        except OSError:
            return
        if not self.guests.admit(connection, address[0]):
            connection.close()
            return
        limit_waits(connection, STALLED)
        self._worker.nr_conns += 1
        guest = _Guest(self._worker.cfg, connection, address, listener.getsockname())
        guest.leave = lambda: self.guests.leave(connection)
        self._worker.enqueue_req(guest)


class _Guest(TConn):  # type: ignore[misc]
    """A connection that is counted until it is closed."""

    leave: Callable[[], None]

    def close(self, graceful: bool = False) -> None:
        """A graceful end waits for the other side, so it is not left to the thread that serves everybody."""
        if graceful:
            threading.Thread(target=self._close, args=(True,), name="api-close", daemon=True).start()
        else:
            self._close(False)

    def _close(self, graceful: bool) -> None:
        try:
            super().close(graceful=graceful)
        finally:
            self.leave()


def limit_waits(connection: socket.socket, seconds: int) -> None:
    """Have reads and writes that wait longer fail (socket(7)); 0 lets them wait for good."""
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
    listener.setblocking(False)
    return listener
