"""What is under way and may still be cancelled, by the release that it is about."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from calzion.controller.locks import CancellationToken


class Cancellable:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: dict[int, CancellationToken] = {}

    @contextmanager
    def known(self, release_id: int, token: CancellationToken) -> Iterator[None]:
        with self._lock:
            self._tokens[release_id] = token
        try:
            yield
        finally:
            with self._lock:
                self._tokens.pop(release_id, None)

    def cancel(self, release_id: int) -> bool:
        """Whether the release is under way."""
        with self._lock:
            token = self._tokens.get(release_id)
        if token:
            token.cancel()
        return token is not None
