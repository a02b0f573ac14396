"""Asking the discovery server of this machine on behalf of a deployment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from calzion.discovery.door import HOST, read_door
from calzion.discovery.server import HEARTBEAT
from calzion.errors import CalzionError
from calzion.model import DeploymentName, ServiceName

_PATIENCE = 3 * HEARTBEAT


class DiscoveryClient:
    """`door` is the file that tells where the server is. Every call raises CalzionError (unreachable)."""

    def __init__(self, door: Path) -> None:
        self._door = door

    def instances(self, deployment: DeploymentName, service: ServiceName | None) -> Any:
        with self._ask(deployment, service, "application/json") as response:
            return json.loads(response.read())

    def stream(self, deployment: DeploymentName, service: ServiceName | None) -> Iterator[bytes]:
        """The server-sent events as they come."""
        with self._ask(deployment, service, "text/event-stream") as response:
            while data := response.read1(1 << 16):
                yield data

    @contextmanager
    def _ask(
        self, deployment: DeploymentName, service: ServiceName | None, accept: str
    ) -> Iterator[HTTPResponse]:
        door = read_door(self._door)
        if door is None:
            raise _away("it was never started")
        connection = HTTPConnection(HOST, door.port, timeout=_PATIENCE)
        headers = {"Authorization": f"Bearer {door.token(deployment)}", "Accept": accept}
        path = f"/services/{service}/instances" if service else "/services"
        try:
            connection.request("GET", path, headers=headers)
            yield connection.getresponse()
        except (OSError, HTTPException, ValueError) as error:
            raise _away(str(error)) from error
        finally:
            connection.close()


def _away(reason: str) -> CalzionError:
    return CalzionError(
        f"the router's part for discovery does not answer: {reason}",
        hint="see 'calzion status' and router.log",
        code="unreachable",
    )
