"""What goes to the terminal: tables, ages, sizes, colours, JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

BOLD, DIM, RED, YELLOW, CYAN = "1", "2", "31", "33", "36"
PREFIX_COLOURS = ("36", "32", "33", "35", "34", "96", "92", "95")

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def colourful(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Colours are for terminals, and not where NO_COLOR is set."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def painted(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], none: str) -> None:
    """Aligned columns; without rows the sentence `none`, on stderr."""
    if not rows:
        print(none, file=sys.stderr)
        return
    for line in table(header, rows):
        print(line)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns, two spaces between. Control characters in cells are left out."""
    cells = [[_CONTROL.sub("", cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return [line.rstrip() for line in lines]


def moment(iso: str) -> float | None:
    """Seconds since the epoch of a time in ISO 8601, None where there is none."""
    try:
        parsed = datetime.fromisoformat(iso)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def clock(seconds: float) -> str:
    """A moment as the clock on the wall here shows it, to the millisecond."""
    local = datetime.fromtimestamp(seconds, UTC).astimezone()
    return local.isoformat(sep=" ", timespec="milliseconds")[:23]


def age(seconds: float | None) -> str:
    """A span as people say it, in its largest unit."""
    if seconds is None:
        return ""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def ago(iso: str, now: float) -> str:
    started = moment(iso)
    return f"{age(now - started)} ago" if started is not None else ""


def size(count: float) -> str:
    """Bytes in their largest binary unit."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
