"""Mount namespaces: unshare(2), setns(2), mount(2) and mount_setattr(2), which Python's library does not have."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNS = 0x20000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
_MS_REC, _MS_SLAVE = 16384, 1 << 19
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_ATTRIBUTES = struct.pack("QQQQ", MS_RDONLY | MS_NOSUID, 0, 0, 0)
"""A struct mount_attr; its MOUNT_ATTR_ values of these two are those of mount(2)."""

_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def new_namespace() -> Iterator[None]:
    """Have a view of the file system of our own, which mounts of the machine still reach, and ours never leave.

    On an exception we are back in the old one. Raises OSError where there can be none.
    """
    before = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _checked(_libc.unshare(CLONE_NEWNS))
        try:
            mount(None, Path("/"), None, _MS_REC | _MS_SLAVE)
            yield
        except BaseException:
            _checked(_libc.setns(before, CLONE_NEWNS))
            raise
    finally:
        os.close(before)


def make_read_only() -> None:
    """Everything that is mounted now, without effect on set-user-ID programs. Raises OSError (Linux before 5.12)."""
    attributes = ctypes.create_string_buffer(_ATTRIBUTES, len(_ATTRIBUTES))
    size = ctypes.c_size_t(len(_ATTRIBUTES))
    _checked(_libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, b"/", _AT_RECURSIVE, attributes, size))


def mount(source: str | None, target: Path, kind: str | None, flags: int, options: str = "") -> None:
    """Raises OSError."""
    words = (_text(source), bytes(target), _text(kind))
    _checked(_libc.mount(*words, ctypes.c_ulong(flags), options.encode() or None))


def mount_directory(descriptor: int, target: Path, flags: int) -> None:
    """Have an opened directory stand at `target`, with these flags alone. Raises OSError."""
    mount(f"/proc/self/fd/{descriptor}", target, None, MS_BIND)
    mount(None, target, None, MS_BIND | MS_REMOUNT | flags)


def _text(value: str | None) -> bytes | None:
    return None if value is None else value.encode()


def _checked(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
