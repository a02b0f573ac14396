"""The infrastructure file: what is in force, what another one would change, and applying it."""

from __future__ import annotations

from typing import Any

import falcon

from calzion.controller.api import bodies, body, upload
from calzion.controller.api.client import ReconcilerClient
from calzion.controller.api.permission import needs
from calzion.controller.api.stream import respond
from calzion.controller.scope import Right
from calzion.controller.store import infrastructure
from calzion.controller.store.database import Database
from calzion.infrastructure import Domain, parse_infrastructure

MAX_BODY = 3 << 20
"""Bytes; the file itself may have 1 MiB, and JSON escapes some of it."""


class Infrastructure:
    def __init__(self, database: Database, reconciler: ReconcilerClient) -> None:
        self._database = database
        self._reconciler = reconciler

    @needs(Right.ADMIN)
    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        """What the file declares that was applied last."""
        with self._database.read() as connection:
            response.media = infrastructure.declared(connection).to_data()

    @needs(Right.ADMIN, bodies.AppliedFile)
    def on_put(self, request: falcon.Request, response: falcon.Response) -> None:
        """Brings everything to what the file says; refused where that removes what is not in `removes`."""
        data = body.read(request, bodies.AppliedFile, MAX_BODY)
        lines = self._reconciler.stream(
            "apply_infrastructure", declaration=_declaration(data), confirmed=data.removes
        )
        respond(request, response, upload.fail_early(lines))


class InfrastructurePlan:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.ADMIN, bodies.InfrastructureFile)
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """What applying the file would change."""
        data = body.read(request, bodies.InfrastructureFile, MAX_BODY)
        response.media = self._reconciler.answer("plan_infrastructure", declaration=_declaration(data))


class Domains:
    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(Right.ADMIN)
    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        """Every domain: where it leads, and who has a password for it."""
        with self._database.read() as connection:
            found = infrastructure.all_domains(connection)
        response.media = [_domain(name, domain) for name, domain in found.items()]


def _domain(name: str, domain: Domain) -> dict[str, Any]:
    return {
        "domain": name,
        "paths": {path: str(target) for path, target in sorted(domain.paths.items())},
        "redirect": domain.redirect,
        "users": sorted(domain.auth),
        "sticky": domain.sticky,
    }


def _declaration(data: bodies.InfrastructureFile) -> dict[str, Any]:
    return parse_infrastructure(data.text.encode("utf-8", "surrogateescape"), data.file).to_data()
