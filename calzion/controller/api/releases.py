"""Releases: opened, filled service by service in any order, and activated as one."""

from __future__ import annotations

import time

import falcon
from sqlalchemy import Connection

from calzion.controller.api import bodies, body, upload
from calzion.controller.api.client import ReconcilerClient
from calzion.controller.api.permission import TAR, caller, known_origin, needs
from calzion.controller.api.stream import respond
from calzion.controller.origin import Origin
from calzion.controller.proposed import read_sections
from calzion.controller.scope import ADMINISTRATOR, Right
from calzion.controller.store import deployments, kept, releases
from calzion.controller.store.database import Database
from calzion.controller.store.releases import OPEN_FOR, ReleaseService, ReleaseState
from calzion.controller.uploads import Uploads
from calzion.controller.views import release_view
from calzion.errors import CalzionError
from calzion.lifetime import parse_ttl
from calzion.model import DeploymentName, ServiceName
from calzion.template import parse_service
from calzion.template.shape import ServiceShape


class Releases:
    def __init__(self, database: Database, keep: int) -> None:
        self._database = database
        self._keep = keep

    @needs(Right.READ)
    def on_get(self, _request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        with self._database.read() as connection:
            found = deployments.get(connection, deployment)
            back = kept.restorable(connection, found.id, self._keep)
            listed = releases.of_deployment(connection, found.id)
            response.media = [release_view(connection, release, back) for release in listed]

    @needs(Right.DEPLOY, bodies.NewRelease)
    def on_post(self, request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        """Open an empty release that will replace the whole deployment: {"user": "…", "commit": "…"}.

        "from" names a deployment with a copy of whose data a new one begins; without it, until one is live, that which
        the last try named. "ttl" is how long it may live, such as 3d.
        """
        data = body.read(request, bodies.NewRelease)
        user = caller(request).named(data.user or ADMINISTRATOR)
        commit = body.commit(data.commit)
        data_from = known_origin(request, self._database, data.origin) if data.origin else ""
        ttl = parse_ttl(data.ttl) if data.ttl else None
        with self._database.write() as connection:
            found = deployments.get(connection, deployment)
            release = releases.open_release(
                connection,
                found.id,
                user=user,
                commit=commit,
                data_from=data_from or releases.origin_to_repeat(connection, found.id),
                ttl=ttl,
                now=time.time(),
            )
            response.media = release_view(connection, release, ())
        response.status = falcon.HTTP_201


class Release:
    def __init__(self, database: Database, keep: int) -> None:
        self._database = database
        self._keep = keep

    @needs(Right.READ)
    def on_get(
        self, _request: falcon.Request, response: falcon.Response, deployment: str, number: int
    ) -> None:
        with self._database.read() as connection:
            found = releases.find(connection, deployments.get(connection, deployment).id, number)
            if found is None:
                raise _missing(deployment, number)
            back = kept.restorable(connection, found.deployment_id, self._keep)
            response.media = release_view(connection, found, back)


class Environment:
    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(Right.DEPLOY, bodies.Sections)
    def on_put(
        self, request: falcon.Request, response: falcon.Response, deployment: str, number: int
    ) -> None:
        """The sections of a release: {"env": {…}, "generate": {"NAME": length}, "run": {"NAME": {…}}}."""
        sections = read_sections(body.read(request, bodies.Sections).model_dump())
        with self._database.write() as connection:
            release = _open_release(connection, deployment, number)
            releases.set_sections(connection, release.id, sections.env, sections.generate, sections.tasks)
        response.media = {"version": number}


class ReleaseServices:
    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(Right.DEPLOY, ServiceShape)
    def on_put(
        self, request: falcon.Request, response: falcon.Response, deployment: str, number: int, service: str
    ) -> None:
        """set_service under an open release. The answer says whether its code is wanted."""
        name = body.label(ServiceName, service)
        with self._database.write() as connection:
            release = _open_release(connection, deployment, number)
            definition = parse_service(name, body.json_object(request), release.env)
            releases.put_service(connection, release.id, ReleaseService(definition=definition))
        code = "wanted" if definition.code and not release.source else "none"
        response.media = {"version": number, "service": name, "code": code}


class ReleaseCode:
    def __init__(self, database: Database, uploads: Uploads) -> None:
        self._database = database
        self._uploads = uploads

    @needs(Right.DEPLOY, bodies.SameCode, TAR, query={"commit": "string"})
    def on_put(
        self, request: falcon.Request, response: falcon.Response, deployment: str, number: int, service: str
    ) -> None:
        """The app's directory as a tar archive, or {"same_as": "another service of the release"}."""
        name = body.label(ServiceName, service)
        commit = body.commit(request.get_param("commit") or "")
        with self._database.read() as connection:
            _find_app(connection, _open_release(connection, deployment, number), name)
        if request.content_type == falcon.MEDIA_JSON:
            other = body.label(ServiceName, body.read(request, bodies.SameCode).same_as)
            self._share(deployment, number, name, other)
        else:
            with self._uploads.receive(upload.Whole(request)) as received:
                origin = Origin(upload=received, commit=commit)
                self._set(deployment, number, name, str(origin))
        response.media = {"version": number, "service": name}

    def _share(self, deployment: str, number: int, name: ServiceName, other: ServiceName) -> None:
        with self._database.read() as connection:
            release = _open_release(connection, deployment, number)
            source = _find_app(connection, release, other).source
        if not source:
            raise CalzionError(f"{other} of v{number} has no code yet", code="conflict")
        self._set(deployment, number, name, source)

    def _set(self, deployment: str, number: int, name: ServiceName, source: str) -> None:
        with self._database.write() as connection:
            release = _open_release(connection, deployment, number)
            _find_app(connection, release, name)
            releases.set_service_source(connection, release.id, name, source)


class Source:
    def __init__(self, database: Database, uploads: Uploads) -> None:
        self._database = database
        self._uploads = uploads

    @needs(Right.DEPLOY, TAR)
    def on_put(
        self, request: falcon.Request, response: falcon.Response, deployment: str, number: int
    ) -> None:
        """The release's tree as a tar archive, once."""
        with self._database.read() as connection:
            _require_no_source(_open_release(connection, deployment, number))
        with (
            self._uploads.receive(upload.Whole(request)) as name,
            self._database.write() as connection,
        ):
            release = _open_release(connection, deployment, number)
            _require_no_source(release)
            releases.set_source(connection, release.id, name)
        response.media = {"version": number}


class Events:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.READ, query={"follow": "boolean"})
    def on_get(
        self, request: falcon.Request, response: falcon.Response, deployment: str, number: int
    ) -> None:
        """The release's story, from after `Last-Event-ID` on."""
        last = request.get_header("Last-Event-ID") or "0"
        after = int(last) if last.isascii() and last.isdigit() else 0
        follow = request.get_param_as_bool("follow", blank_as_true=True, default=False)
        lines = self._reconciler.stream(
            "follow", deployment=deployment, release=number, after=after, follow=follow
        )
        respond(request, response, lines, after)


class Activate:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.DEPLOY)
    def on_post(
        self, request: falcon.Request, response: falcon.Response, deployment: str, number: int
    ) -> None:
        """Roll it out. Leaving the stream before the switch cancels it."""
        name = body.label(DeploymentName, deployment)
        conversation = self._reconciler.begin("activate", deployment=name, release=number)
        respond(request, response, upload.fail_early(conversation.lines()), left=conversation.hang_up)


class Cancel:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.DEPLOY)
    def on_post(
        self, _request: falcon.Request, response: falcon.Response, deployment: str, number: int
    ) -> None:
        """Give up a release that is open, or under way and not switched yet; its story tells how it ends."""
        name = body.label(DeploymentName, deployment)
        response.media = self._reconciler.answer("cancel", deployment=name, release=number)


def _open_release(connection: Connection, deployment: str, number: int) -> releases.Release:
    release = releases.find(connection, deployments.get(connection, deployment).id, number)
    if release is None:
        raise _missing(deployment, number)
    if release.state is not ReleaseState.OPEN or time.time() - release.created > OPEN_FOR:
        raise CalzionError(
            f"v{number} of {deployment} is not open any more", hint="open another release", code="conflict"
        )
    return release


def _find_app(connection: Connection, release: releases.Release, name: ServiceName) -> ReleaseService:
    found = next((each for each in releases.services(connection, release.id) if each.name == name), None)
    if found is None or found.definition.code is None:
        raise CalzionError(
            f"v{release.number} has no service {name} that takes code",
            hint="set it first, with 'git' or 'build'",
            code="not_found",
        )
    return found


def _require_no_source(release: releases.Release) -> None:
    if release.source:
        raise CalzionError(f"v{release.number} has its tree already", code="conflict")


def _missing(deployment: str, number: int) -> CalzionError:
    return CalzionError(
        f"{deployment} has no v{number}", hint=f"see 'calzion releases {deployment}'", code="not_found"
    )
