"""Releases made of earlier ones: going back, and taking over what another deployment runs."""

from __future__ import annotations

import falcon

from calzion.controller.api import bodies, body, upload
from calzion.controller.api.client import ReconcilerClient
from calzion.controller.api.permission import caller, known_origin, needs
from calzion.controller.api.stream import respond
from calzion.controller.scope import ADMINISTRATOR, Right
from calzion.controller.store.database import Database
from calzion.model import DeploymentName


class Rollback:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.DEPLOY, bodies.Rollback)
    def on_post(self, request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        """To {"release": number}, or without it to the one before: {"user": "…"}. Leaving cancels it."""
        data = body.read(request, bodies.Rollback)
        conversation = self._reconciler.begin(
            "rollback",
            deployment=body.label(DeploymentName, deployment),
            release=data.release,
            user=caller(request).named(data.user or ADMINISTRATOR),
        )
        respond(request, response, upload.fail_early(conversation.lines()), left=conversation.hang_up)


class Promote:
    def __init__(self, database: Database, reconciler: ReconcilerClient) -> None:
        self._database = database
        self._reconciler = reconciler

    @needs(Right.DEPLOY, bodies.Promote, creates=True)
    def on_post(self, request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        """What {"from": "…"} runs goes live here; {"plan": true} only tells what would change."""
        data = body.read(request, bodies.Promote)
        target = body.label(DeploymentName, deployment)
        origin = known_origin(request, self._database, data.origin)
        if data.plan:
            response.media = self._reconciler.answer("promotion", deployment=target, origin=origin)
            return
        user = caller(request).named(data.user or ADMINISTRATOR)
        conversation = self._reconciler.begin("promote", deployment=target, origin=origin, user=user)
        respond(request, response, upload.fail_early(conversation.lines()), left=conversation.hang_up)
