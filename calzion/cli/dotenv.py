"""Lines of NAME=VALUE, as `.env` files have them. Pure."""

from __future__ import annotations

import re

import click

_LINE = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<name>[^\s=#'"]+)[ \t]*=[ \t]*
    (?:'(?P<literal>[^']*)'|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\n'"]*))
    [ \t]*(?:(?<=[ \t'"])\#[^\n]*)?(?:\r?\n|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_EMPTY = re.compile(r"[ \t]*(?:\#[^\n]*)?(?:\r?\n|\Z)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MEANING = {"n": "\n", "r": "\r", "t": "\t"}


def parse_dotenv(text: str) -> dict[str, str]:
    """The values by name. Values may be quoted: 'as it is', or "with \\n, \\" and \\\\", both over several lines.

    Raises click.UsageError that names the line, not what stands in it.
    """
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        if empty := _EMPTY.match(text, position):
            position = empty.end()
            continue
        match = _LINE.match(text, position)
        number = text.count("\n", 0, position) + 1
        if match is None:
            raise click.UsageError(f"line {number} is no NAME=VALUE, or its quotes do not end")
        if match["name"] in found:
            raise click.UsageError(f"line {number}: {match['name']} is given twice")
        found[match["name"]] = _value(match)
        position = match.end()
    return found


def _value(match: re.Match[str]) -> str:
    if match["literal"] is not None:
        return match["literal"]
    if match["quoted"] is not None:
        return _ESCAPE.sub(lambda escape: _MEANING.get(escape[1], escape[1]), match["quoted"])
    return re.split(r"[ \t]+#", match["bare"], maxsplit=1)[0].strip()
