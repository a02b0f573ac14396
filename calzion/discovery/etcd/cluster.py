"""Requests to whichever member of an etcd cluster answers, by the JSON gateway of its API of version 3."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import requests
from etcd3gw.client import Etcd3Client
from etcd3gw.exceptions import (
    ConnectionFailedError,
    ConnectionTimeoutError,
    Etcd3Exception,
    InternalServerError,
)

from calzion.discovery.etcd.access import Access
from calzion.errors import CalzionError

TIMEOUT = 2.0
"""Seconds that a member has to answer before another one is asked."""

_T = TypeVar("_T")
_AWAY = (ConnectionFailedError, ConnectionTimeoutError, InternalServerError)
_STALE_TOKEN = ("invalid auth token", "revision of auth store is old", "user name is empty")


class Refusal(Exception):
    """A member answered, and said no; the message is etcd's own."""


class Cluster:
    """For one thread at a time. Begins with the member that answered last."""

    def __init__(self, access: Access, timeout: float = TIMEOUT) -> None:
        self._access = access
        self._members = [_member(access, host, port, timeout) for host, port in access.url.endpoints]

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of the first member that gives one.

        Raises CalzionError (unreachable) where none does, Refusal where one says no.
        """
        answer: dict[str, Any] = self._ask(lambda member: member.post(member.get_url(path), json=body))
        return answer

    @contextmanager
    def stream(
        self, path: str, body: Mapping[str, Any], silence: float
    ) -> Iterator[Iterator[dict[str, Any]]]:
        """What a member says line by line, until it ends, or is silent for `silence` seconds (TimeoutError).

        Raises as `post`; what breaks later raises CalzionError (unreachable).
        """

        def begin(member: Etcd3Client) -> requests.Response:
            response = member.session.post(
                member.get_url(path), json=body, stream=True, timeout=(member.timeout, silence)
            )
            if not response.ok:
                with response:
                    raise Etcd3Exception(response.text)
            return response

        with self._ask(begin) as response:
            yield _lines(response)

    def _ask(self, call: Callable[[Etcd3Client], _T]) -> _T:
        reasons = []
        for member in tuple(self._members):
            try:
                return self._admitted(member, call)
            except _AWAY as error:
                reasons.append(f"{member.host}:{member.port}: {_reason(error)}")
            except Etcd3Exception as error:
                raise Refusal(_reason(error)) from error
            except (OSError, ValueError) as error:
                reasons.append(f"{member.host}:{member.port}: {error}")
            self._members.append(self._members.pop(0))
        raise unreachable("; ".join(reasons))

    def _admitted(self, member: Etcd3Client, call: Callable[[Etcd3Client], _T]) -> _T:
        """A token lasts some minutes, and not beyond a restart of etcd."""
        if not self._access.password:
            return call(member)
        if "Authorization" in member.session.headers:
            try:
                return call(member)
            except Etcd3Exception as error:
                if not any(said in _reason(error) for said in _STALE_TOKEN):
                    raise
        member.session.headers.pop("Authorization", None)
        login = {"name": self._access.url.user, "password": self._access.password.read_text().strip()}
        token = member.post(member.get_url("/auth/authenticate"), json=login)["token"]
        member.session.headers["Authorization"] = token
        return call(member)


def unreachable(reason: str) -> CalzionError:
    return CalzionError(
        f"etcd does not answer: {reason}",
        hint="deployments go on serving; what changes is registered when it is back",
        code="unreachable",
    )


def _member(access: Access, host: str, port: int, timeout: float) -> Etcd3Client:
    session = requests.Session()
    # Variables of the environment would set another authority, or a proxy.
    session.trust_env = False
    session.verify = str(access.ca) if access.ca else True
    session.cert = (str(access.certificate[0]), str(access.certificate[1])) if access.certificate else None
    protocol = "https" if access.url.tls else "http"
    return Etcd3Client(host, port, protocol, timeout=timeout, session=session)


def _lines(response: requests.Response) -> Iterator[dict[str, Any]]:
    try:
        for line in response.iter_lines():
            yield json.loads(line)
    except requests.exceptions.ConnectionError as error:
        if "timed out" in str(error):
            raise TimeoutError from error
        raise unreachable(str(error)) from error
    except (OSError, ValueError) as error:
        raise unreachable(str(error)) from error


def _reason(error: Etcd3Exception) -> str:
    """etcd's own sentence out of its answer."""
    text = error.detail_text or str(error)
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text[:200]
