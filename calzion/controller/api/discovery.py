"""Which instances are registered, and the stream of changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import falcon

from calzion.controller.api import body
from calzion.controller.api.permission import needs
from calzion.controller.scope import Right
from calzion.controller.store import deployments
from calzion.controller.store.database import Database
from calzion.errors import CalzionError
from calzion.model import DeploymentName, ServiceName


class Registered(Protocol):
    """Raises CalzionError (unreachable)."""

    def instances(self, deployment: DeploymentName, service: ServiceName | None) -> Any: ...

    def stream(self, deployment: DeploymentName, service: ServiceName | None) -> Iterator[bytes]: ...


class Endpoints:
    def __init__(self, database: Database, registered: Registered) -> None:
        self._database = database
        self._registered = registered

    @needs(Right.READ, query={"service": "string"})
    def on_get(self, request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        name = body.label(DeploymentName, deployment)
        given = request.get_param("service")
        service = body.label(ServiceName, given) if given else None
        with self._database.read() as connection:
            if deployments.find(connection, name) is None:
                raise CalzionError(
                    f"there is no deployment {name}", hint="see 'calzion list'", code="not_found"
                )
        if "text/event-stream" not in request.accept:
            response.media = self._registered.instances(name, service)
            return
        lines = self._registered.stream(name, service)
        first = next(lines, b"")  # while the answer's status is still open
        response.content_type = "text/event-stream"
        response.set_header("Cache-Control", "no-cache")
        response.stream = _with(first, lines)


def _with(first: bytes, lines: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    try:
        yield from lines
    except CalzionError:
        return  # who reads sees that the stream has ended, and asks again
