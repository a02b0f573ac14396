"""What to show of a build that failed: the lines that matter first. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from calzion.errors import LAST_LINES_TITLE, LONGEST_LINE

LAST_LINES = 30
_CAUSES = 3

_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^ ! +(\S.*)",
        r"^\W*(?:cause: *)?(Because .+)",
        r"^(npm (?:error|ERR!) (?:code E\w+|(?:404|ERESOLVE|notarget|Missing|Invalid)\b.*))",
        r"^\W*((?:error|fatal): .+)",
        r"^((?:[A-Za-z_.]*(?:Error|Exception)): .+)",
        r"^ *(ERROR:? .+)",
        r"^(.*: (?:command not found|No such file or directory|Permission denied|No space left on device))$",
    )
)
_QUIET = re.compile(r"npm (?:error|ERR!) (?:code E|A complete log|404 Note|404 tarball|404 *$)")


def explain(lines: Sequence[str]) -> list[str]:
    """The lines that most likely name the cause, then the last ones."""
    causes = _causes(lines)
    last = [line[:LONGEST_LINE] for line in lines if line.strip()][-LAST_LINES:]
    if not last:
        return causes
    return [LAST_LINES_TITLE, *last] if causes == last else [*causes, LAST_LINES_TITLE, *last]


def _causes(lines: Sequence[str]) -> list[str]:
    joined = _unwrap(lines)
    for pattern in _PATTERNS:
        found = [match[1] for line in joined if (match := pattern.match(line)) and not _QUIET.match(line)]
        if found:
            return list(dict.fromkeys(line[:LONGEST_LINE] for line in found))[:_CAUSES]
    return []


def _unwrap(lines: Sequence[str]) -> list[str]:
    """Sentences that uv wrapped over indented lines, as one line each."""
    joined: list[str] = []
    for line in lines:
        if joined and re.match(r"\W*(?:cause: *)?Because ", joined[-1]) and re.match(r" {4,}\S", line):
            joined[-1] += " " + line.strip()
        else:
            joined.append(line)
    return joined
