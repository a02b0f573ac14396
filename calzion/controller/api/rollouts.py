"""Releases made of earlier ones: going back, and taking over what another deployment runs."""

from __future__ import annotations

import falcon

from calzion.controller.api import body, upload
from calzion.controller.api.client import ReconcilerClient
from calzion.controller.api.permission import caller, known_origin, needs
from calzion.controller.api.stream import respond
from calzion.controller.scope import ADMINISTRATOR, Right
from calzion.controller.store.database import Database
from calzion.errors import CalzionError
from calzion.model import DeploymentName


class Rollback:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.DEPLOY)
    def on_post(self, request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        """To {"release": number}, or without it to the one before: {"user": "…"}. Leaving cancels it."""
        data = body.json_object(request)
        conversation = self._reconciler.begin(
            "rollback",
            deployment=body.label(DeploymentName, deployment),
            release=_number(data.get("release")),
            user=caller(request).named(body.optional(data, "user", ADMINISTRATOR)),
        )
        respond(request, response, upload.fail_early(conversation.lines()), left=conversation.hang_up)


class Promote:
    def __init__(self, database: Database, reconciler: ReconcilerClient) -> None:
        self._database = database
        self._reconciler = reconciler

    @needs(Right.DEPLOY, creates=True)
    def on_post(self, request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        """What {"from": "…"} runs goes live here; {"plan": true} only tells what would change."""
        data = body.json_object(request)
        target = body.label(DeploymentName, deployment)
        origin = known_origin(request, self._database, body.text(data, "from"))
        if data.get("plan") is True:
            response.media = self._reconciler.answer("promotion", deployment=target, origin=origin)
            return
        user = caller(request).named(body.optional(data, "user", ADMINISTRATOR))
        conversation = self._reconciler.begin("promote", deployment=target, origin=origin, user=user)
        respond(request, response, upload.fail_early(conversation.lines()), left=conversation.hang_up)


def _number(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9):
        return value
    raise CalzionError("'release' is no number of a release", code="usage")
