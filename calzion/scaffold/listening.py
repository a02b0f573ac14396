"""Apps are told their port by PORT: a number that is written into their command gives way to it."""

from __future__ import annotations

import re

_GIVEN = re.compile(r"\$PORT\b|\$\{PORT\b")


def is_told(command: str) -> bool:
    """Whether the command takes its port from the environment."""
    return bool(_GIVEN.search(command))


def on_port(command: str, numbers: list[int]) -> tuple[str, int | None]:
    """The command for a shell with `$PORT` in place of the first of the ports that stands in it, and which that was.

    Inside single quotes, where a shell replaces nothing, the number stays.
    """
    for number in numbers:
        pattern = re.compile(rf"(?<![\d.$\w]){number}(?![\d.\w])|(?<=:){number}(?![\d.\w])")
        if "'" not in command and pattern.search(command):
            return pattern.sub("$PORT", command), number
    return command, None
