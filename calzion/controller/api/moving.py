"""Exports and imports: connections that are upgraded to frames, with an archive one way and events."""

from __future__ import annotations

import falcon

from calzion.controller.api import bodies, body
from calzion.controller.api.client import ReconcilerClient
from calzion.controller.api.permission import caller, needs
from calzion.controller.api.upgrade import relay, upgraded
from calzion.controller.scope import ADMINISTRATOR, Right
from calzion.frames import ARCHIVE_PROTOCOL
from calzion.model import DeploymentName


class Export:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.DEPLOY, bodies.Export, upgrade=ARCHIVE_PROTOCOL)
    def on_post(self, request: falcon.Request, _response: falcon.Response, deployment: str) -> None:
        """{"user": "…", "secrets": false, "pause": true}: without "secrets": false the archive holds their values."""
        data = body.read(request, bodies.Export)
        more = {"secrets": data.secrets, "pause": data.pause}
        _carry(self._reconciler, request, "export", deployment, data, **more)


class Import:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.DEPLOY, bodies.Import, creates=True, upgrade=ARCHIVE_PROTOCOL)
    def on_post(self, request: falcon.Request, _response: falcon.Response, deployment: str) -> None:
        """{"user": "…", "sanitize": true}: with the tasks that sanitize data. Leaving before the switch cancels."""
        data = body.read(request, bodies.Import)
        _carry(self._reconciler, request, "import", deployment, data, sanitize=data.sanitize)


def _carry(
    reconciler: ReconcilerClient,
    request: falcon.Request,
    operation: str,
    deployment: str,
    data: bodies.ByUser,
    **more: bool,
) -> None:
    name = body.label(DeploymentName, deployment)
    user = caller(request).named(data.user or ADMINISTRATOR)
    client = upgraded(request, ARCHIVE_PROTOCOL)
    _, server = reconciler.converse(operation, deployment=name, user=user, **more)
    with server:
        relay(client, server, ARCHIVE_PROTOCOL)
