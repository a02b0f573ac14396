"""What a deploy would do."""

from __future__ import annotations

import falcon

from calzion.controller.api import bodies, body
from calzion.controller.api.client import ReconcilerClient
from calzion.controller.api.permission import caller, known_origin, needs
from calzion.controller.proposed import Proposed
from calzion.controller.scope import Right
from calzion.controller.store.database import Database
from calzion.model import DeploymentName

MAX_PLAN = 3 << 20
"""Bytes of a plan's body: descriptions of code may hold 1 MiB, which Base64 makes a third more."""


class Plan:
    def __init__(self, database: Database, reconciler: ReconcilerClient) -> None:
        self._database = database
        self._reconciler = reconciler

    @needs(Right.DEPLOY, bodies.Proposal, creates=True)
    def on_post(self, request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        """Compares a proposed template with what is there, and changes nothing.

        {"env": {…}, "generate": {…}, "run": {…}, "services": {NAME: {…}}, "codes": [{"services": [NAME],
        "digest": git's id of the tree, "commit": …, "names": [those at the root], "files": {PATH: Base64},
        "large": [PATH]}], "from": the deployment with a copy of whose data it is to begin}. The planned one need not
        exist.
        """
        name = body.label(DeploymentName, deployment)
        data = body.read(request, bodies.Proposal, MAX_PLAN)
        data_from = known_origin(request, self._database, data.origin) if data.origin else ""
        proposed = data.model_dump(exclude={"origin"})
        Proposed.parse(proposed)
        response.media = self._reconciler.answer(
            "plan", deployment=name, proposed=proposed, origin=data_from, user=caller(request).user
        )
