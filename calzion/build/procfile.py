"""The Procfile: `name: command` lines, one a process type. Pure."""

from __future__ import annotations

import re

from calzion.errors import CalzionError
from calzion.model import Pairs

_LINE = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)[ \t]*:[ \t]*(\S.*)")
_HINT = "a Procfile has a line 'name: command' for each process type, such as 'web: python app.py'"


def parse_procfile(content: bytes) -> Pairs:
    """The process types in the order of the file; commands are kept as they are.

    Raises CalzionError (build) that lists every bad line with its number.
    """
    found: dict[str, str] = {}
    lines: dict[str, int] = {}
    problems: list[str] = []
    for number, line in enumerate(_text(content).split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if not match or "\0" in line:
            problems.append(f"Procfile:{number}: {_shown(line)} is no 'name: command'")
        elif match[1] in found:
            problems.append(f"Procfile:{number}: {match[1]!r} stands already in line {lines[match[1]]}")
        else:
            found[match[1]], lines[match[1]] = match[2], number
    if problems:
        raise CalzionError("the Procfile can't be read", hint=_HINT, code="build", detail=problems[:20])
    return tuple(found.items())


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CalzionError(
            "the Procfile can't be read",
            hint="save it as UTF-8",
            code="build",
            detail=[f"Procfile:{line}: this is not UTF-8"],
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _shown(line: str) -> str:
    return ascii(line if len(line) <= 80 else line[:77] + "...")
