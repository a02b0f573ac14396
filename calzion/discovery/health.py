"""Is it up? One probe of one endpoint, which trusts nothing that comes back."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from calzion.discovery.conversation import ANSWER_LIMIT, Conversation
from calzion.model import Endpoint

_STARTING_UP = "57P03"
"""PostgreSQL's cannot_connect_now: it starts, stops or recovers."""


class ProbeKind(StrEnum):
    PORT = "port"
    HTTP = "http"
    POSTGRES = "postgres"
    REDIS = "redis"


@dataclass(frozen=True, kw_only=True)
class Check:
    """`timeout` is seconds for the whole probe. `path` and `host`, the Host header, are for HTTP."""

    kind: ProbeKind = ProbeKind.PORT
    path: str = "/"
    host: str = "localhost"
    timeout: float = 5.0


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    """`reason` is a part of a sentence: what was seen. `status` is HTTP's, where that was spoken."""

    up: bool
    reason: str
    status: int | None = None


def probe(endpoint: Endpoint, check: Check) -> ProbeResult:
    """Ask once.

    PORT is up where the port accepts a connection; HTTP where any status below 500 answers, redirects not
    followed; POSTGRES where the server takes sessions, whoever may log in; REDIS where its data is loaded.
    """
    try:
        with Conversation(endpoint, check.timeout) as conversation:
            return _ask(conversation, check)
    except TimeoutError:
        return _down(f"{endpoint} gave no answer within {check.timeout:g} s")
    except OSError as error:
        return _down(f"{endpoint}: {(error.strerror or str(error)).lower()}")
    except ValueError as error:
        return _down(f"{endpoint} {error}")


def _ask(conversation: Conversation, check: Check) -> ProbeResult:
    match check.kind:
        case ProbeKind.PORT:
            return _up("accepts connections")
        case ProbeKind.HTTP:
            return _http(conversation, check)
        case ProbeKind.POSTGRES:
            return _postgres(conversation)
        case ProbeKind.REDIS:
            return _redis(conversation)


def _http(conversation: Conversation, check: Check) -> ProbeResult:
    path = quote(check.path if check.path.startswith("/") else "/" + check.path, safe="/?&=%:@!$'()*+,;~")
    host = quote(check.host, safe=":[]")
    conversation.say(
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: calzion-healthcheck\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n".encode()
    )
    status = _status(conversation)
    return ProbeResult(up=status < 500, reason=f"{path} answered {status}", status=status)


def _status(conversation: Conversation) -> int:
    """The final status: interim answers (100, 103) are skipped."""
    while True:
        version, _, rest = conversation.line().partition(b" ")
        number = rest[:3]
        if not version.startswith(b"HTTP/1.") or not number.isdigit() or len(number) != 3:
            raise ValueError("does not speak HTTP")
        if int(number) >= 200 or int(number) == 101:
            return int(number)
        while conversation.line():
            pass


def _postgres(conversation: Conversation) -> ProbeResult:
    parameters = b"user\0postgres\0database\0postgres\0\0"
    conversation.say(struct.pack("!II", 8 + len(parameters), 3 << 16) + parameters)
    kind = conversation.take(1)
    if kind == b"R":
        return _up("takes sessions")
    if kind != b"E":
        raise ValueError("does not speak PostgreSQL's protocol")
    fields = _error_fields(conversation)
    said = fields.get("M", "no reason given")
    return ProbeResult(up=fields.get("C") != _STARTING_UP, reason=f"says: {said}")


def _error_fields(conversation: Conversation) -> dict[str, str]:
    (length,) = struct.unpack("!I", conversation.take(4))
    if not 4 <= length <= ANSWER_LIMIT:
        raise ValueError("does not speak PostgreSQL's protocol")
    fields = conversation.take(length - 4).split(b"\0")
    return {_text(field[:1]): _text(field[1:]) for field in fields if field}


def _redis(conversation: Conversation) -> ProbeResult:
    conversation.say(b"PING\r\n")
    answer = conversation.line()
    up = answer.startswith((b"+PONG", b"-NOAUTH"))
    return ProbeResult(up=up, reason=f"says: {_text(answer)}")


def _text(raw: bytes) -> str:
    """Printable, at most 200 characters."""
    text = raw[:200].decode(errors="replace")
    return "".join(character if character.isprintable() else "?" for character in text)


def _up(reason: str) -> ProbeResult:
    return ProbeResult(up=True, reason=reason)


def _down(reason: str) -> ProbeResult:
    return ProbeResult(up=False, reason=reason)
