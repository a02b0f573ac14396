"""Tokens of the API: a public id, by which one is found, and a secret, of which only a digest is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from calzion.controller.scope import Caller, Right

PREFIX = "calzion"
"""By which scanners for leaked secrets can recognise one."""

_ID_BYTES, _SECRET_BYTES = 6, 32
_TOKEN = re.compile(rf"{PREFIX}_([0-9a-f]{{12}})_([A-Za-z0-9_-]{{43}})")
_NOBODY = bytes(32)


@dataclass(frozen=True, kw_only=True)
class Token:
    """`digest` is SHA-256 of the secret; 256 random bits need no slow hash. Times are seconds since the epoch."""

    id: str
    user: str
    digest: bytes
    right: Right
    allow: tuple[str, ...]
    created: float
    expires: float | None

    def caller(self) -> Caller:
        return Caller(user=self.user, right=self.right, allow=self.allow, token=self.id)


def new_token(
    user: str, right: Right, allow: tuple[str, ...], now: float, expires: float | None
) -> tuple[Token, str]:
    """A token, and the text that its holder shows: nobody can tell it again."""
    id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    token = Token(
        id=id,
        user=user,
        digest=_digest(secret),
        right=right,
        allow=allow,
        created=now,
        expires=expires,
    )
    return token, f"{PREFIX}_{id}_{secret}"


def read_token(text: str) -> tuple[str, str] | None:
    """The id and the secret of what somebody shows; None where it is no token."""
    match = _TOKEN.fullmatch(text)
    return (match[1], match[2]) if match else None


def is_valid(token: Token | None, secret: str, now: float) -> bool:
    """Takes the same time whether there is such a token or not, and wherever the secret is wrong."""
    same = hmac.compare_digest(_digest(secret), token.digest if token else _NOBODY)
    return token is not None and same and (token.expires is None or now < token.expires)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
