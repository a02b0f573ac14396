"""What a build writes, as clean lines. Pure."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from calzion.template.address import redact

MAX_LINE = 64 * 1024
MAX_TOTAL = 8 << 20
KEPT = 200
MARGIN = 4096
"""Bytes before the cut of a line that are not shown: a secret that is cut apart would not be known as one."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(line: bytes) -> str:
    """The line without escape sequences, control characters and URLs' credentials; of a redrawn line its last state."""
    text = line.decode("utf-8", "replace").rstrip("\r\n")
    text = _ESCAPES.sub("", text).rsplit("\r", 1)[-1]
    return redact(_CONTROL.sub("", text).rstrip())


class Lines:
    """Splits chunks into clean lines of at most MAX_LINE bytes and keeps the last KEPT of them.

    Beyond `total` bytes lines are kept but no longer given out, after one line that says so.
    """

    def __init__(self, total: int = MAX_TOTAL) -> None:
        self.last: deque[str] = deque(maxlen=KEPT)
        self._rest = b""
        self._most = total
        self._total = 0
        self._cutting = False

    def feed(self, chunk: bytes) -> Iterator[str]:
        pieces = (self._rest + chunk).split(b"\n")
        self._rest = pieces.pop()
        for piece in pieces:
            yield from self._line(piece, ended=True)
        if len(self._rest) > MAX_LINE:
            piece, self._rest = self._rest[:MAX_LINE], b""
            yield from self._line(piece, ended=False)

    def end(self) -> Iterator[str]:
        if self._rest:
            yield from self._line(self._rest, ended=True)
        self._rest = b""

    def _line(self, piece: bytes, *, ended: bool) -> Iterator[str]:
        if not self._cutting:
            cut = not ended or len(piece) > MAX_LINE
            text = clean(piece[: MAX_LINE - MARGIN] if cut else piece)
            self.last.append(text)
            yield from self._within_total(text, len(piece))
        self._cutting = not ended

    def _within_total(self, text: str, size: int) -> Iterator[str]:
        before, self._total = self._total, self._total + size + 1
        if self._total <= self._most:
            yield text
        elif before <= self._most:
            yield f"(the build has written more than {self._most} bytes, see build-log; the rest is not shown)"
