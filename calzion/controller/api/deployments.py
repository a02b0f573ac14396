"""Deployments, their services, and what is done to them."""

from __future__ import annotations

import time

import falcon

from calzion.controller.api import bodies, body, upload
from calzion.controller.api.client import ReconcilerClient
from calzion.controller.api.permission import TAR, caller, needs
from calzion.controller.api.stream import respond
from calzion.controller.scope import ADMINISTRATOR, Right
from calzion.controller.store import audit, deployments
from calzion.controller.store.database import Database
from calzion.controller.uploads import Uploads
from calzion.lifetime import parse_ttl
from calzion.model import DeploymentName, ServiceName
from calzion.template import parse_service
from calzion.template.shape import ServiceShape

MAX_LINES = 10_000
_LOG_QUERY = {"service": "string", "lines": "integer", "follow": "boolean", "since": "number"}


class Deployments:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.NONE)
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Those that the caller may know of."""
        found = self._reconciler.answer("deployments")
        response.media = [each for each in found if caller(request).sees(each["name"])]


class Deployment:
    def __init__(self, database: Database, reconciler: ReconcilerClient) -> None:
        self._database = database
        self._reconciler = reconciler

    @needs(Right.DEPLOY, creates=True)
    def on_put(self, _request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        """create_deployment: idempotent."""
        name = body.label(DeploymentName, deployment)
        with self._database.write() as connection:
            known = deployments.find(connection, name)
            deployments.create(connection, name, None, time.time())
            if known is None:
                audit.record(connection, "deployment created", now=time.time(), on=name)
        response.status = falcon.HTTP_200 if known else falcon.HTTP_201
        response.media = {"name": name}

    @needs(Right.READ)
    def on_get(self, _request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        response.media = self._reconciler.answer("deployment", deployment=deployment)

    @needs(Right.DEPLOY, query={"confirm": "string"})
    def on_delete(self, request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        name = body.label(DeploymentName, deployment)
        lines = self._reconciler.stream(
            "destroy", deployment=name, confirm=request.get_param("confirm") or ""
        )
        respond(request, response, upload.fail_early(lines))


class Volume:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.DEPLOY)
    def on_delete(
        self, request: falcon.Request, response: falcon.Response, deployment: str, service: str, volume: str
    ) -> None:
        """Remove a volume that no service uses any more."""
        lines = self._reconciler.stream(
            "remove_volume",
            deployment=body.label(DeploymentName, deployment),
            service=body.label(ServiceName, service),
            volume=volume,
        )
        respond(request, response, upload.fail_early(lines))


class Service:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.DEPLOY, ServiceShape, creates=True)
    def on_put(
        self, request: falcon.Request, response: falcon.Response, deployment: str, service: str
    ) -> None:
        """set_service: a release of this one change on top of the current one."""
        name = body.label(ServiceName, service)
        keys = body.json_object(request)
        parse_service(name, keys)
        lines = self._reconciler.stream(
            "set_service",
            deployment=body.label(DeploymentName, deployment),
            service=name,
            keys=keys,
            user=caller(request).user,
        )
        respond(request, response, lines)

    @needs(Right.DEPLOY)
    def on_delete(
        self, request: falcon.Request, response: falcon.Response, deployment: str, service: str
    ) -> None:
        lines = self._reconciler.stream(
            "remove_service",
            deployment=body.label(DeploymentName, deployment),
            service=body.label(ServiceName, service),
            user=caller(request).user,
        )
        respond(request, response, lines)


class Code:
    def __init__(self, reconciler: ReconcilerClient, uploads: Uploads) -> None:
        self._reconciler = reconciler
        self._uploads = uploads

    @needs(Right.DEPLOY, TAR)
    def on_put(
        self, request: falcon.Request, response: falcon.Response, deployment: str, service: str
    ) -> None:
        """The app's directory as a tar archive, plain or compressed."""
        name, app = body.label(DeploymentName, deployment), body.label(ServiceName, service)
        with self._uploads.receive(upload.Whole(request)) as source:
            lines = upload.fail_early(
                self._reconciler.stream(
                    "upload", deployment=name, service=app, source=source, user=caller(request).user
                )
            )
        respond(request, response, lines)


class Instances:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.READ)
    def on_get(self, _request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        response.media = self._reconciler.answer("instances", deployment=deployment)


class Environment:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.READ)
    def on_get(
        self, _request: falcon.Request, response: falcon.Response, deployment: str, service: str
    ) -> None:
        """Every variable with where it comes from; secrets and generated values by name alone."""
        name = body.label(DeploymentName, deployment)
        app = body.label(ServiceName, service)
        response.media = self._reconciler.answer("environment", deployment=name, service=app)


class Logs:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.READ, query=_LOG_QUERY)
    def on_get(self, request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        lines = self._reconciler.stream(
            "logs",
            deployment=body.label(DeploymentName, deployment),
            service=request.get_param("service") or None,
            lines=request.get_param_as_int("lines", min_value=0, max_value=MAX_LINES, default=100),
            follow=request.get_param_as_bool("follow", blank_as_true=True, default=False),
            since=request.get_param_as_float("since", min_value=0, default=0.0),
        )
        respond(request, response, upload.fail_early(lines))


class Restart:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.DEPLOY, bodies.Restart)
    def on_post(self, request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        service = body.read(request, bodies.Restart).service
        lines = self._reconciler.stream(
            "restart",
            deployment=body.label(DeploymentName, deployment),
            service=body.label(ServiceName, service) if service else None,
        )
        respond(request, response, upload.fail_early(lines))


class Redeploy:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.DEPLOY, bodies.Redeploy)
    def on_post(self, request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        """What runs, again, with the values of now: {"rebuild": true, "user": "…"}. Leaving cancels it."""
        data = body.read(request, bodies.Redeploy)
        conversation = self._reconciler.begin(
            "redeploy",
            deployment=body.label(DeploymentName, deployment),
            rebuild=data.rebuild,
            user=caller(request).named(data.user or ADMINISTRATOR),
        )
        respond(request, response, upload.fail_early(conversation.lines()), left=conversation.hang_up)


class Ttl:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.DEPLOY, bodies.Ttl)
    def on_put(self, request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        """How long the deployment may live from now on: {"ttl": "3d"}, or "never"."""
        name = body.label(DeploymentName, deployment)
        ttl = parse_ttl(body.read(request, bodies.Ttl).ttl)
        response.media = self._reconciler.answer("ttl", deployment=name, ttl=ttl)


class Scale:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.DEPLOY, bodies.Scale)
    def on_post(self, request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        counts = dict(body.read(request, bodies.Scale).counts)
        name = body.label(DeploymentName, deployment)
        respond(
            request,
            response,
            upload.fail_early(self._reconciler.stream("scale", deployment=name, counts=counts)),
        )
