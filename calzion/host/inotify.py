"""Being told that files grew: inotify(7), which Python's library does not have."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path

IN_MODIFY, IN_ONESHOT = 0x2, 0x80000000
_IN_IGNORED = 0x8000
_IN_Q_OVERFLOW = 0x4000
_HEADER = struct.Struct("iIII")
_BUFFER = 1 << 16


class Inotify:
    """Readable at `fd` when something happened. Raises OSError where the kernel gives no more of them."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.inotify_add_watch.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)
        self.fd: int = _checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def add(self, path: Path, mask: int) -> int:
        """Watch a file, or change how; the number names the watch. Raises OSError."""
        return _checked(self._libc.inotify_add_watch(self.fd, bytes(path), mask))

    def remove(self, watch: int) -> None:
        """No longer; a watch that has ended by itself is no error."""
        self._libc.inotify_rm_watch(self.fd, watch)

    def read(self) -> set[int]:
        """The watches of which something happened since the last call; -1 where the kernel lost count."""
        found: set[int] = set()
        while data := self._read():
            found.update(_watches(data))
        return found

    def close(self) -> None:
        os.close(self.fd)

    def _read(self) -> bytes:
        try:
            return os.read(self.fd, _BUFFER)
        except BlockingIOError:
            return b""


def _watches(data: bytes) -> Iterator[int]:
    position = 0
    while position < len(data):
        watch, mask, _, length = _HEADER.unpack_from(data, position)
        position += _HEADER.size + length
        if mask & _IN_Q_OVERFLOW:
            yield -1
        elif not mask & _IN_IGNORED:
            yield watch


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
