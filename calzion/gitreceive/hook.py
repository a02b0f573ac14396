"""The conversation with the pre-receive hook, on descriptors that it inherits through git."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from calzion.errors import CalzionError
from calzion.gitreceive.request import RefUpdate

HOOK = "pre-receive"
TO_SERVER, FROM_SERVER, STATUS = 7, 8, 9
"""Numbers in the hook: POSIX sh redirects to one digit only."""

_GREETING = "calzion 1"
_END = "."
_LAST = b"\n.\n"
_LIMIT = 1 << 20
"""Bytes of a question: some ten thousand refs."""


@dataclass(frozen=True, kw_only=True)
class HookRequest:
    quarantine: str
    options: tuple[str, ...]
    updates: tuple[RefUpdate, ...]


class HookPipes:
    """This side of the three pipes; `inner` are the hook's ends, by their numbers there."""

    def __init__(self) -> None:
        self.request, to_server = os.pipe()
        from_server, self._output = os.pipe()
        status, self._status = os.pipe()
        self.inner = {TO_SERVER: to_server, FROM_SERVER: from_server, STATUS: status}

    def close_inner(self) -> None:
        """To be called when git was started, or could not be: from then on EOF says that git ended."""
        for descriptor in self.inner.values():
            os.close(descriptor)
        self.inner = {}

    def read_request(self) -> HookRequest | None:
        """Wait for the hook's question; None where git ended without asking.

        Raises CalzionError where the question is too long, ValueError where what came is no question of ours.
        """
        data = bytearray()
        too_long = False
        while not data.endswith(_LAST):
            part = os.read(self.request, 65536)
            if not part and not data:
                return None
            if not part:
                raise ValueError("the hook's question is cut off")
            data += part
            if len(data) > _LIMIT:
                # Heard to its end, for only then does the hook listen.
                too_long = True
                del data[: -len(_LAST)]
        if too_long:
            raise _too_long()
        return parse_request(bytes(data))

    def tell(self, text: str) -> bool:
        """Have the hook print `text` at once; False where the hook is gone."""
        data = text.encode(errors="replace")
        with suppress(BrokenPipeError):
            while data:
                data = data[os.write(self._output, data) :]
            return True
        return False

    def stop_reading(self) -> None:
        """Have the hook fail that is still writing its question."""
        if self.request >= 0:
            os.close(self.request)
        self.request = -1

    def decide(self, accept: bool) -> None:
        """Give the hook its exit status and end its output."""
        with suppress(BrokenPipeError):
            os.write(self._status, b"0\n" if accept else b"1\n")
        self._close_outputs()

    def close(self) -> None:
        self.close_inner()
        self._close_outputs()
        self.stop_reading()

    def _close_outputs(self) -> None:
        for descriptor in (self._output, self._status):
            if descriptor >= 0:
                os.close(descriptor)
        self._output = self._status = -1


def _too_long() -> CalzionError:
    return CalzionError(
        f"this push moves too many refs: more than {_LIMIT >> 20} MiB of names and options",
        hint="push one branch: git push calzion HEAD:refs/heads/myapp-staging",
        code="usage",
    )


def parse_request(data: bytes) -> HookRequest:
    """Lines: greeting, quarantine, number of options, `=option` each, `old new ref` each, a point."""
    lines = data.decode(errors="surrogateescape").split("\n")
    if lines[-2:] != [_END, ""] or len(lines) < 5 or lines[0] != _GREETING:
        raise ValueError("the hook's question is malformed")
    quarantine, count, rest = lines[1], int(lines[2]), lines[3:-2]
    if not 0 <= count <= len(rest) or not all(line.startswith("=") for line in rest[:count]):
        raise ValueError("the hook's question is malformed")
    updates = [line.split(" ", 2) for line in rest[count:]]
    return HookRequest(
        quarantine=quarantine,
        options=tuple(line[1:] for line in rest[:count]),
        updates=tuple(RefUpdate(old=old, new=new, ref=ref) for old, new, ref in updates),
    )


def check_hooks(directory: Path) -> None:
    """Raises CalzionError where git would not run the hook: it then accepts every push, unasked."""
    hook = directory / HOOK
    if not directory.is_absolute():
        raise CalzionError(f"the hooks directory must be an absolute path, not {directory}")
    try:
        regular = stat.S_ISREG(hook.stat().st_mode)
    except OSError:
        regular = False
    if not regular:
        raise CalzionError(f"{hook} is missing", hint="install Calzion again")
    if not os.access(hook, os.X_OK):
        raise CalzionError(f"{hook} is not executable", hint=f"chmod 755 {hook}")
