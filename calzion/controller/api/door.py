"""Who may come in, asked of every request before anything of it is looked at."""

from __future__ import annotations

import pwd
import socket
import struct
import time
from typing import Any

import falcon

from calzion.controller.actor import CALZION, Actor, now_acts
from calzion.controller.api.guests import network_of
from calzion.controller.api.limits import Limits
from calzion.controller.api.permission import check, declared
from calzion.controller.scope import ADMINISTRATOR, LOCAL
from calzion.controller.store import deployments, tokens
from calzion.controller.store.database import Database
from calzion.controller.token import Token, is_valid, read_token

SETTLED = "calzion.settled"
"""In the WSGI environment: what is told the id of the token that was shown, and the seconds for which it is valid."""

_SCHEME = "bearer "


class Door:
    """Whoever has come in acts until the request is answered."""

    def process_response(self, *_: object) -> None:
        now_acts(CALZION)


class LocalDoor(Door):
    """The machine's own socket, which its administrator alone can open."""

    def process_request(self, request: falcon.Request, _response: falcon.Response) -> None:
        request.context.caller = LOCAL
        now_acts(Actor(user=_user_of(request.env.get("gunicorn.socket")), via="socket"))


class TokenDoor(Door):
    """Everybody else: `Authorization: Bearer TOKEN` (RFC 6750) and nothing but that."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits

    def process_request(self, request: falcon.Request, _response: falcon.Response) -> None:
        """Raises falcon.HTTPError: 401 with one same sentence, 429 to who asks too often."""
        now = time.monotonic()
        token = self._token(request.get_header("Authorization") or "")
        if token is None:
            if wait := self._limits.failed(network_of(request.remote_addr), now):
                raise _too_many(wait)
            raise _unauthorized()
        if wait := self._limits.asked(token.id, now):
            raise _too_many(wait)
        request.context.caller = token.caller()
        now_acts(Actor(user=token.user, via="api", address=request.remote_addr, key=token.id))
        if settled := request.env.get(SETTLED):
            settled(token.id, None if token.expires is None else token.expires - time.time())

    def process_resource(
        self, request: falcon.Request, _response: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Raises CalzionError where this caller may not do this."""
        if resource is not None and request.method in (needed := declared(resource)):
            check(request.context.caller, needed[request.method], params, self._is_there)

    def _token(self, header: str) -> Token | None:
        shown = header[len(_SCHEME) :].strip() if header[: len(_SCHEME)].lower() == _SCHEME else ""
        read = read_token(shown)
        if read is None:
            return None
        id, secret = read
        with self._database.read() as connection:
            token = tokens.find(connection, id)
        return token if is_valid(token, secret, time.time()) else None

    def _is_there(self, deployment: str) -> bool:
        with self._database.read() as connection:
            return deployments.find(connection, deployment) is not None


def _user_of(connection: object) -> str:
    """Whom the kernel says is at the other end of a unix socket (unix(7), SO_PEERCRED)."""
    if not isinstance(connection, socket.socket):
        return ADMINISTRATOR
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _unauthorized() -> falcon.HTTPError:
    return falcon.HTTPUnauthorized(
        description="this needs a valid token: 'calzion login URL' keeps one",
        challenges=['Bearer realm="calzion"'],
    )


def _too_many(seconds: int) -> falcon.HTTPError:
    return falcon.HTTPTooManyRequests(
        description=f"too many requests: try again in {seconds} s", retry_after=seconds
    )
