"""`.env` files: NAME=value lines."""

from __future__ import annotations

import re

_LINE = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*(?:[=:][ \t]*(.*))?")
_QUOTED = re.compile(r"""(["'])(.*?)(?<!\\)\1""")
_MOST = 2000


def read_dotenv(content: bytes) -> dict[str, str]:
    """The values by their names, quotes and comments removed; '' for a name without a value."""
    found: dict[str, str] = {}
    for line in content.decode("utf-8-sig", "replace").splitlines()[:_MOST]:
        match = _LINE.fullmatch(line.strip())
        if match:
            found[match[1]] = _value(match[2] or "")
    return found


def _value(text: str) -> str:
    quoted = _QUOTED.match(text)
    if quoted:
        return quoted[2]
    return re.split(r"(?:^|[ \t])#", text, maxsplit=1)[0].strip()
