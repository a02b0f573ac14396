"""`healthcheck` of a Compose service -> `healthcheck`."""

from __future__ import annotations

import re
import shlex
from typing import Any

from calzion.scaffold.compose.context import Owner
from calzion.scaffold.compose.duration import duration
from calzion.scaffold.compose.reading import scalar, scalars
from calzion.template.data import Data

_REQUEST = re.compile(
    r"(?:/usr/bin/)?(?:curl|wget)\b[^|;&]*?https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])"
    r"(?::(?:\d+|\$\w+|\$\{\w+\}))?(?P<path>/[^\s'\"|;&$`\\]*)?['\"]?[^|;&]*(?:\|\| *exit +1)?"
)
_LONGEST = 500
"""Characters of a command that is looked at; what is longer is no mere request."""

_TIMES = {"interval": "interval", "timeout": "timeout", "start_period": "grace"}


def healthcheck(service: dict[str, Data], env: dict[str, str], owner: Owner) -> dict[str, Any]:
    """The keys of the health check; a request to the service itself becomes its path. Empty for the default."""
    data = service.get("healthcheck")
    if not isinstance(data, dict):
        return {}
    test = _test(data.get("test"))
    if not test or scalar(data.get("disable")) == "true":
        return {}
    found: dict[str, Any] = {}
    match = _REQUEST.fullmatch(test) if len(test) <= _LONGEST else None
    if match:
        found["path"] = match["path"] or "/"
    else:
        found["cmd"] = owner.command(test, env)
    for key, name in _TIMES.items():
        time = duration(owner.fixed(scalar(data.get(key)) or "") or "")
        if time:
            found[name] = time
    return found


def _test(data: Data) -> str:
    """The command as text for a shell; empty where there is none."""
    words = scalars(data)
    if not isinstance(data, list):
        return " ".join(words).strip()
    match words:
        case ["CMD-SHELL", *rest]:
            return " ".join(rest).strip()
        case ["CMD", *rest]:
            return shlex.join(rest)
        case _:
            return ""
