"""Ports: taken ones, and those on which nothing listens."""

from __future__ import annotations

import re

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts, Phase
from calzion.causes.rule import RUNNING, explained, rule, tidy

_HOW = "'gunicorn -b :$PORT app:app' or 'app.listen(process.env.PORT)'"
_HOW_OPEN = "'gunicorn -b 0.0.0.0:$PORT app:app' or 'app.listen(process.env.PORT, \"0.0.0.0\")'"


def enclosed(facts: Facts) -> Cause | None:
    """It serves on the right port, but only what runs in its own container."""
    if facts.phase is not Phase.HEALTH or not facts.enclosed:
        return None
    return Cause(
        f"it listens on port {facts.port} of 127.0.0.1 alone, which nothing outside of its container reaches",
        f"let it listen on 0.0.0.0, such as {_HOW_OPEN}",
    )


def elsewhere(facts: Facts) -> Cause | None:
    """It serves, but not where it was told to."""
    if facts.phase is not Phase.HEALTH or not facts.elsewhere:
        return None
    ports = ", ".join(map(str, facts.elsewhere))
    return Cause(
        f"it listens on port {ports}, not on port {facts.port} (${facts.port_variable})",
        f"let it listen on the port that the variable {facts.port_variable} gives, such as {_HOW}",
    )


def _in_use(match: re.Match[str], facts: Facts) -> Cause:
    port = tidy(next((value for value in match.groups() if value), ""))
    if port and port == str(facts.port):
        return Cause(
            f"port {port} is in use already",
            "let one process alone listen on $PORT: a program that forks or starts a second server has it twice",
        )
    return Cause(
        f"port {port} is in use already"
        if port
        else "the port on which it wants to listen is in use already",
        f"other programs of this machine have ports of their own: let it listen on $PORT, such as {_HOW}",
    )


_ADDRESS_IN_USE = (
    r"Connection in use: \('[^'\n]*', (\d+)\)",
    r"error while attempting to bind on address \('[^'\n]*', (\d+)[^)\n]*\): address already in use",
    r"EADDRINUSE: address already in use \S*:(\d+)",
    r"^Address already in use\nPort (\d+) is in use",
    r"(?:[Aa]ddress|[Pp]ort (\d+)) (?:is )?already in use",
)

RULES = (
    *(explained(pattern, _in_use, phases=RUNNING) for pattern in _ADDRESS_IN_USE),
    rule(
        r"listen EACCES: permission denied \S*:(?P<number>\d+)",
        "it may not listen on port {number}: ports below 1024 are the system's",
        f"let it listen on $PORT, such as {_HOW}",
        phases=RUNNING,
    ),
    rule(
        r"socket\.bind\([\s\S]{0,300}PermissionError: \[Errno 13\] Permission denied",
        "it may not listen on its port: ports below 1024 are the system's",
        f"let it listen on $PORT, such as {_HOW}",
        phases=RUNNING,
        raised=True,
    ),
    rule(
        r"^Error: '(?P<value>[^'\n]*)' is not a valid port number",
        "gunicorn was given {value!r} as its port",
        "write $PORT as it is in the Procfile ('web: gunicorn -b :$PORT app:app'); only processes that serve have it",
        phases=RUNNING,
    ),
)
