"""The HTTP API: which resource answers at which path."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import falcon

from calzion.controller.api import (
    deployments,
    keys,
    moving,
    plan,
    registries,
    releases,
    rollouts,
    run,
    secrets,
    status,
)
from calzion.controller.api.client import ReconcilerClient
from calzion.controller.api.status import PartCheck
from calzion.controller.store.database import Database
from calzion.controller.uploads import Uploads
from calzion.controller.vault import Vault
from calzion.errors import CODES, CalzionError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ApiParts:
    """`uploads` is where uploaded code is kept; `checks` are the parts that `status` looks at.

    `keep_releases` is how many releases of a deployment can be gone back to.
    """

    database: Database
    vault: Vault
    reconciler: ReconcilerClient
    uploads: Path
    keep_releases: int
    checks: tuple[PartCheck, ...]


def make_app(parts: ApiParts) -> falcon.App[Any, Any]:
    app: falcon.App[Any, Any] = falcon.App()
    app.add_error_handler(CalzionError, _calzion_error)
    app.add_error_handler(Exception, _broken)
    app.set_error_serializer(_serialize)
    one = "/v1/deployments/{deployment}"
    uploads = Uploads(parts.uploads)
    app.add_route("/v1/status", status.Status(parts.checks, parts.reconciler))
    app.add_route("/v1/keys", keys.Keys(parts.database))
    app.add_route("/v1/keys/{name}", keys.Key(parts.database))
    app.add_route("/v1/registries", registries.Registries(parts.database))
    app.add_route("/v1/registries/{host}", registries.Registry(parts.database, parts.vault))
    app.add_route("/v1/deployments", deployments.Deployments(parts.reconciler))
    app.add_route(one, deployments.Deployment(parts.database, parts.reconciler))
    app.add_route(f"{one}/instances", deployments.Instances(parts.reconciler))
    app.add_route(f"{one}/logs", deployments.Logs(parts.reconciler))
    app.add_route(f"{one}/volumes/{{service}}/{{volume}}", deployments.Volume(parts.reconciler))
    app.add_route(f"{one}/restart", deployments.Restart(parts.reconciler))
    app.add_route(f"{one}/plan", plan.Plan(parts.reconciler))
    app.add_route(f"{one}/redeploy", deployments.Redeploy(parts.reconciler))
    app.add_route(f"{one}/rollback", rollouts.Rollback(parts.reconciler))
    app.add_route(f"{one}/promote", rollouts.Promote(parts.reconciler))
    app.add_route(f"{one}/export", moving.Export(parts.reconciler))
    app.add_route(f"{one}/import", moving.Import(parts.reconciler))
    app.add_route(f"{one}/run", run.Run(parts.reconciler))
    app.add_route(f"{one}/scale", deployments.Scale(parts.reconciler))
    app.add_route(f"{one}/secrets", secrets.Secrets(parts.database, parts.vault))
    app.add_route(f"{one}/secrets/{{name}}", secrets.Secret(parts.database, parts.vault))
    app.add_route(f"{one}/ttl", deployments.Ttl(parts.reconciler))
    app.add_route(f"{one}/services/{{service}}", deployments.Service(parts.reconciler))
    app.add_route(f"{one}/services/{{service}}/environment", deployments.Environment(parts.reconciler))
    app.add_route(f"{one}/services/{{service}}/code", deployments.Code(parts.reconciler, uploads))
    app.add_route(f"{one}/releases", releases.Releases(parts.database, parts.keep_releases))
    app.add_route(f"{one}/releases/{{number:int}}", releases.Release(parts.database, parts.keep_releases))
    app.add_route(f"{one}/releases/{{number:int}}/events", releases.Events(parts.reconciler))
    app.add_route(f"{one}/releases/{{number:int}}/environment", releases.Environment(parts.database))
    app.add_route(
        f"{one}/releases/{{number:int}}/services/{{service}}", releases.ReleaseServices(parts.database)
    )
    app.add_route(
        f"{one}/releases/{{number:int}}/services/{{service}}/code",
        releases.ReleaseCode(parts.database, uploads),
    )
    app.add_route(f"{one}/releases/{{number:int}}/source", releases.Source(parts.database, uploads))
    app.add_route(f"{one}/releases/{{number:int}}/activate", releases.Activate(parts.reconciler))
    app.add_route(f"{one}/releases/{{number:int}}/cancel", releases.Cancel(parts.reconciler))
    return app


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
    code = {404: "not_found", 403: "refused"}.get(error.status_code, "usage")
    message = str(error.description or error.title or error.status)
    response.media = CalzionError(message, code=code).as_dict()
