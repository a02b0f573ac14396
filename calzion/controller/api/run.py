"""One-off commands: an HTTP/1.1 connection that is upgraded to frames, so that a terminal can be at its other end."""

from __future__ import annotations

import falcon

from calzion.controller.api import bodies, body
from calzion.controller.api.client import ReconcilerClient
from calzion.controller.api.permission import needs
from calzion.controller.api.upgrade import relay, upgraded
from calzion.controller.scope import Right
from calzion.errors import CalzionError
from calzion.frames import PROTOCOL
from calzion.model import Command, DeploymentName, ServiceName


class Run:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.DEPLOY, bodies.Run, upgrade=PROTOCOL)
    def on_post(self, request: falcon.Request, _response: falcon.Response, deployment: str) -> None:
        """{"service": …, "command": [words] or "shell line", "env": {…}, "terminal": {"rows", "columns"} or null}."""
        name = body.label(DeploymentName, deployment)
        data = body.read(request, bodies.Run)
        order = {
            "deployment": name,
            "service": body.label(ServiceName, data.service) if data.service else None,
            "command": _command(data.command),
            "env": dict(data.env),
            "terminal": data.terminal.model_dump() if data.terminal else None,
        }
        client = upgraded(request, PROTOCOL)
        _, server = self._reconciler.converse("run", **order)
        with server:
            relay(client, server, PROTOCOL)


def _command(value: str | list[str]) -> Command:
    """Raises CalzionError (usage) where there is nothing to run."""
    if not value or not value[0]:
        raise CalzionError("'command' names nothing to run", code="usage")
    return value if isinstance(value, str) else tuple(value)
