"""Tokens: made, listed without their secrets, taken away; and what the caller's own one is good for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import falcon

from calzion.controller.access import parse_pattern, parse_user
from calzion.controller.api import bodies, body
from calzion.controller.api.permission import caller, needs
from calzion.controller.scope import Right
from calzion.controller.store import audit, tokens
from calzion.controller.store.database import Database
from calzion.controller.token import Token, new_token
from calzion.controller.views import iso
from calzion.errors import CalzionError
from calzion.lifetime import parse_ttl


class Tokens:
    """`changed` opens or closes the API's address, and returns why that is not possible, or ''."""

    def __init__(self, database: Database, changed: Callable[[], str]) -> None:
        self._database = database
        self._changed = changed

    @needs(Right.ADMIN)
    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        with self._database.read() as connection:
            response.media = [token_view(token) for token in tokens.listed(connection)]

    @needs(Right.ADMIN, bodies.NewToken)
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """{"user": …, "scope": "read", "allow": [patterns], "ttl": "90d"}. The answer alone holds the token."""
        token, shown = _new(body.read(request, bodies.NewToken))
        with self._database.write() as connection:
            tokens.add(connection, token)
            audit.record(connection, "token added", now=token.created, **_told(token))
        response.status = falcon.HTTP_201
        response.set_header("Cache-Control", "no-store")
        response.media = {**token_view(token), "token": shown, "problem": self._changed()}


class OneToken:
    """`gone` is told the ids of tokens that are valid no more."""

    def __init__(self, database: Database, gone: Callable[[set[str]], None]) -> None:
        self._database = database
        self._gone = gone

    @needs(Right.ADMIN)
    def on_delete(self, _request: falcon.Request, response: falcon.Response, name: str) -> None:
        """By its id, or all of a user."""
        with self._database.write() as connection:
            removed = tokens.remove(connection, name)
            for token in removed:
                audit.record(connection, "token removed", now=time.time(), **_told(token))
        if not removed:
            raise CalzionError(
                f"there is no token {name[:80]}", hint="see 'calzion tokens list'", code="not_found"
            )
        self._gone({token.id for token in removed})
        response.media = {"removed": [token_view(token) for token in removed]}


class OwnToken:
    @needs(Right.NONE)
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Who the caller is, and what it may do."""
        who = caller(request)
        response.media = {"user": who.user, "scope": str(who.right), "allow": list(who.allow)}


def token_view(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "user": token.user,
        "scope": str(token.right),
        "allow": list(token.allow),
        "created": iso(token.created),
        "expires": iso(token.expires),
    }


def _told(token: Token) -> dict[str, Any]:
    """What the audit trail tells of a token: all but its secret."""
    view = token_view(token)
    return {
        "id": view["id"],
        "of": view["user"],
        **{name: view[name] for name in ("scope", "allow", "expires")},
    }


def _new(data: bodies.NewToken) -> tuple[Token, str]:
    right, user = Right.parse(data.scope), parse_user(data.user)
    ttl, now = parse_ttl(data.ttl), time.time()
    return new_token(user, right, _allow(data.allow, right), now, now + ttl if ttl else None)


def _allow(given: list[str], right: Right) -> tuple[str, ...]:
    if right is Right.ADMIN and given:
        raise CalzionError(
            "an administrator's token is for everything", hint="leave out 'allow'", code="usage"
        )
    if right is not Right.ADMIN and not given:
        raise CalzionError(
            "say which deployments the token is for",
            hint="name them, or patterns such as 'myapp-*'; '*' is every deployment",
            code="usage",
        )
    return tuple(parse_pattern(pattern) for pattern in given)
