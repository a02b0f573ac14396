"""Whether a user's password opens a domain, by the hashes that the router's state holds."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import bcrypt

from calzion.routing.state import load_state, state_file

_KNOWN = 10_000
"""Verdicts that are remembered."""

_WAITING = 8
"""Passwords that may wait for their turn: a hash takes a tenth of a second of a processor."""

_SIGNIFICANT = 72
"""Bytes of a password that bcrypt looks at."""


def matches(password: bytes, stored: str) -> bool:
    try:
        return bcrypt.checkpw(password[:_SIGNIFICANT], stored.encode())
    except ValueError:
        return False


class BusyError(Exception):
    """Too many passwords wait already."""


class Credentials:
    """Safe to use from several threads. A verdict is found once for each password, as bcrypt is slow on purpose."""

    def __init__(self, router: Path, check: Callable[[bytes, str], bool] = matches) -> None:
        """`router` is the directory of the router's state."""
        self._check = check
        self._state = _PasswordsOnDisk(router)
        self._verdicts = _Verdicts()
        self._turn = threading.Semaphore(1)
        self._places = threading.Semaphore(_WAITING)

    def open(self, domain: str, authorization: str) -> bool:
        """`authorization` is the value of that header. A domain without passwords is open, an unknown one is not.

        Raises BusyError.
        """
        names, passwords = self._state.read()
        if domain not in names:
            return False
        if domain not in passwords:
            return True
        user, password = _parse(authorization)
        users = passwords[domain]
        # Who is unknown takes as long as who is known.
        stored = users.get(user) or next(iter(users.values()))
        return self._matches(password, stored) and user in users

    def _matches(self, password: bytes, stored: str) -> bool:
        known = self._verdicts.get(password, stored)
        if known is not None:
            return known
        with self._queue():
            known = self._verdicts.get(password, stored)
            if known is None:
                known = self._check(password, stored)
                self._verdicts.put(password, stored, known)
            return known

    @contextmanager
    def _queue(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise BusyError
        try:
            with self._turn:
                yield
        finally:
            self._places.release()


class _PasswordsOnDisk:
    """The domains there are, and the passwords of those that have some; read again when the state has changed."""

    def __init__(self, router: Path) -> None:
        self._router = router
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._names: frozenset[str] = frozenset()
        self._passwords: Mapping[str, Mapping[str, str]] = {}

    def read(self) -> tuple[frozenset[str], Mapping[str, Mapping[str, str]]]:
        with self._lock:
            seen = self._version()
            if seen is None or seen != self._seen:
                state = load_state(self._router)
                self._names = frozenset(key[2:] for key in state.names if key.startswith("n:"))
                self._passwords, self._seen = state.passwords, seen
            return self._names, self._passwords

    def _version(self) -> tuple[int, int] | None:
        try:
            found = state_file(self._router).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns


class _Verdicts:
    """Remembers no password: only what a key of this process makes of it."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._found: OrderedDict[bytes, bool] = OrderedDict()

    def get(self, password: bytes, stored: str) -> bool | None:
        key = self._key(password, stored)
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def put(self, password: bytes, stored: str, verdict: bool) -> None:
        with self._lock:
            self._found[self._key(password, stored)] = verdict
            if len(self._found) > _KNOWN:
                self._found.popitem(last=False)

    def _key(self, password: bytes, stored: str) -> bytes:
        return hashlib.blake2b(stored.encode() + b"\0" + password, key=self._secret, digest_size=32).digest()


def _parse(authorization: str) -> tuple[str, bytes]:
    """User and password of RFC 7617; of anything else, nobody and none."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True) if scheme.lower() == "basic" else b""
    except ValueError:
        given = b""
    user, _, password = given.partition(b":")
    return user.decode("utf-8", "replace"), password
