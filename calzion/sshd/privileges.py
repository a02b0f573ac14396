"""Root's rights, and giving them up for good: capabilities(7), prctl(2)."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

CAP_SETUID, CAP_SYS_ADMIN = 7, 21
_SET_DEATH_SIGNAL, _GET_DEATH_SIGNAL, _DROP_BOUND, _NO_NEW_PRIVILEGES = 1, 2, 24, 38

_libc = ctypes.CDLL(None, use_errno=True)


def may(capability: int) -> bool:
    """Whether this process has a capability."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    held = next(line.split()[1] for line in lines if line.startswith("CapEff:"))
    return bool(int(held, 16) >> capability & 1)


def become(user: int) -> None:
    """Be the user and group `user` without capabilities, from which no program leads back. Raises OSError.

    A signal at the parent's death, which the kernel forgets at that, is kept.
    """
    parent, signal = os.getppid(), ctypes.c_int()
    _prctl(_GET_DEATH_SIGNAL, ctypes.byref(signal))
    for capability in range(_last_capability() + 1):
        _prctl(_DROP_BOUND, ctypes.c_ulong(capability))
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    _prctl(_NO_NEW_PRIVILEGES, ctypes.c_ulong(1))
    _prctl(_SET_DEATH_SIGNAL, ctypes.c_ulong(signal.value))
    if signal.value and os.getppid() != parent:
        raise ProcessLookupError("the supervisor is gone")


def _last_capability() -> int:
    return int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii"))


def _prctl(option: int, argument: object) -> None:
    zero = ctypes.c_ulong(0)
    if _libc.prctl(option, argument, zero, zero, zero) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
