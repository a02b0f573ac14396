"""The HTTP API: which resource answers at which path."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import falcon

from calzion.controller.api import (
    audit,
    deployments,
    discovery,
    infrastructure,
    keys,
    moving,
    openapi,
    plan,
    registries,
    releases,
    rollouts,
    run,
    secrets,
    status,
    tokens,
)
from calzion.controller.api.client import ReconcilerClient
from calzion.controller.api.door import LocalDoor, TokenDoor
from calzion.controller.api.gate import Gate
from calzion.controller.api.limits import Limits
from calzion.controller.api.permission import declared
from calzion.controller.api.status import PartCheck
from calzion.controller.auditbook import AuditBook
from calzion.controller.store.database import Database
from calzion.controller.uploads import Uploads
from calzion.controller.vault import Vault
from calzion.errors import CODES, CalzionError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ApiParts:
    """`uploads` is where uploaded code is kept; `checks` are the parts that `status` looks at, `registered` tells of
    registered instances.

    `keep_releases` is how many releases of a deployment can be gone back to. `gate` is its TCP address.
    """

    database: Database
    vault: Vault
    reconciler: ReconcilerClient
    uploads: Path
    audit: AuditBook
    keep_releases: int
    checks: tuple[PartCheck, ...]
    gate: Gate
    registered: discovery.Registered


def local_app(parts: ApiParts) -> falcon.App[Any, Any]:
    """For the machine's own socket, whose user may everything."""
    return _app(parts, LocalDoor())


def token_app(parts: ApiParts, limits: Limits | None = None) -> falcon.App[Any, Any]:
    """The same for the network: nothing without a token, and with one what its scope admits."""
    return _app(parts, TokenDoor(parts.database, limits or Limits()))


def _app(parts: ApiParts, door: LocalDoor | TokenDoor) -> falcon.App[Any, Any]:
    app: falcon.App[Any, Any] = falcon.App(middleware=[door])
    app.add_error_handler(CalzionError, _calzion_error)
    app.add_error_handler(Exception, _broken)
    app.set_error_serializer(_serialize)
    for path, resource in routes(parts).items():
        if missing := [method for method, need in declared(resource).items() if need is None]:
            raise TypeError(f"{path}: nothing says what {', '.join(missing)} needs")
        app.add_route(path, resource)
    return app


def routes(parts: ApiParts) -> dict[str, object]:
    """Every path with the resource that answers there."""
    one = "/v1/deployments/{deployment}"
    release = f"{one}/releases/{{number:int}}"
    uploads = Uploads(parts.uploads)
    found: dict[str, object] = {
        "/v1/openapi.json": openapi.Description(lambda: openapi.describe(found)),
        "/v1/tokens": tokens.Tokens(parts.database, parts.gate.look),
        "/v1/tokens/{name}": tokens.OneToken(parts.database, parts.gate.forget),
        "/v1/token": tokens.OwnToken(),
        "/v1/status": status.Status(parts.checks, parts.reconciler),
        "/v1/keys": keys.Keys(parts.database),
        "/v1/keys/{name}": keys.Key(parts.database),
        "/v1/audit": audit.Audit(parts.audit),
        "/v1/audit/inspection": audit.Inspection(parts.audit),
        "/v1/secret-key/rotation": secrets.KeyRotation(parts.database, parts.vault),
        "/v1/registries": registries.Registries(parts.database),
        "/v1/registries/{host}": registries.Registry(parts.database, parts.vault),
        "/v1/infrastructure": infrastructure.Infrastructure(parts.database, parts.reconciler),
        "/v1/infrastructure/plan": infrastructure.InfrastructurePlan(parts.reconciler),
        "/v1/domains": infrastructure.Domains(parts.database),
        "/v1/deployments": deployments.Deployments(parts.reconciler),
        one: deployments.Deployment(parts.database, parts.reconciler),
        f"{one}/instances": deployments.Instances(parts.reconciler),
        f"{one}/endpoints": discovery.Endpoints(parts.database, parts.registered),
        f"{one}/logs": deployments.Logs(parts.reconciler),
        f"{one}/volumes/{{service}}/{{volume}}": deployments.Volume(parts.reconciler),
        f"{one}/restart": deployments.Restart(parts.reconciler),
        f"{one}/plan": plan.Plan(parts.database, parts.reconciler),
        f"{one}/redeploy": deployments.Redeploy(parts.reconciler),
        f"{one}/rollback": rollouts.Rollback(parts.reconciler),
        f"{one}/promote": rollouts.Promote(parts.database, parts.reconciler),
        f"{one}/export": moving.Export(parts.reconciler),
        f"{one}/import": moving.Import(parts.reconciler),
        f"{one}/run": run.Run(parts.reconciler),
        f"{one}/scale": deployments.Scale(parts.reconciler),
        f"{one}/secrets": secrets.Secrets(parts.database, parts.vault),
        f"{one}/secrets/{{name}}": secrets.Secret(parts.database, parts.vault),
        f"{one}/ttl": deployments.Ttl(parts.reconciler),
        f"{one}/services/{{service}}": deployments.Service(parts.reconciler),
        f"{one}/services/{{service}}/environment": deployments.Environment(parts.reconciler),
        f"{one}/services/{{service}}/code": deployments.Code(parts.reconciler, uploads),
        f"{one}/releases": releases.Releases(parts.database, parts.keep_releases),
        release: releases.Release(parts.database, parts.keep_releases),
        f"{release}/events": releases.Events(parts.reconciler),
        f"{release}/environment": releases.Environment(parts.database),
        f"{release}/services/{{service}}": releases.ReleaseServices(parts.database),
        f"{release}/services/{{service}}/code": releases.ReleaseCode(parts.database, uploads),
        f"{release}/source": releases.Source(parts.database, uploads),
        f"{release}/activate": releases.Activate(parts.reconciler),
        f"{release}/cancel": releases.Cancel(parts.reconciler),
    }
    return found


def _calzion_error(
    _request: falcon.Request, response: falcon.Response, error: CalzionError, _params: dict[str, Any]
) -> None:
    response.status = falcon.code_to_http_status(CODES[error.code].http)
    response.media = error.as_dict()


def _broken(
    request: falcon.Request, response: falcon.Response, error: Exception, _params: dict[str, Any]
) -> None:
    if isinstance(error, falcon.HTTPError | falcon.HTTPStatus):
        raise error
    _log.error("%s %s broke", request.method, request.path, exc_info=error)
    response.status = falcon.HTTP_500
    response.media = CalzionError(f"Calzion itself failed: {type(error).__name__}").as_dict()


def _serialize(_request: falcon.Request, response: falcon.Response, error: falcon.HTTPError) -> None:
    code = {404: "not_found", 401: "refused", 403: "refused", 429: "refused"}.get(error.status_code, "usage")
    message = str(error.description or error.title or error.status)
    response.media = CalzionError(message, code=code).as_dict()
