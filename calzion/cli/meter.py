"""How far an upload is, on standard error, once it takes longer than a moment."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from calzion.cli.terminal import size

_PATIENCE = 1.0


def metered(name: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks. From a second on a terminal sees them counted, anything else one line."""
    began = told = time.monotonic()
    sent = 0
    live = sys.stderr.isatty()
    for chunk in chunks:
        yield chunk
        sent += len(chunk)
        now = time.monotonic()
        if now - told > _PATIENCE and (live or told == began):
            told = now
            print(
                f"       {name}: {size(sent)} sent", end="\r" if live else "\n", file=sys.stderr, flush=True
            )
    if live and told != began:
        print(f"       {name}: {size(sent)} sent", file=sys.stderr, flush=True)
