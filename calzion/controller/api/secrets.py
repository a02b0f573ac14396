"""Secrets: set, listed by name, removed. Their values are never given back."""

from __future__ import annotations

import time
from typing import Any

import falcon
from sqlalchemy import Connection

from calzion.controller.api import bodies, body
from calzion.controller.api.permission import needs
from calzion.controller.rotation import rotate_key
from calzion.controller.scope import Right
from calzion.controller.secret import check_secret, users
from calzion.controller.store import audit, deployments, releases, secrets
from calzion.controller.store.database import Database
from calzion.controller.store.deployments import Deployment
from calzion.controller.vault import Vault
from calzion.controller.views import iso
from calzion.errors import CalzionError
from calzion.model import DeploymentName


class Secrets:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    @needs(Right.READ)
    def on_get(self, _request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        with self._database.read() as connection:
            response.media = _views(connection, deployments.get(connection, deployment))

    @needs(Right.DEPLOY, bodies.NewSecrets, creates=True)
    def on_put(self, request: falcon.Request, response: falcon.Response, deployment: str) -> None:
        """Several at once, or none: {"secrets": {NAME: value}}."""
        given = body.read(request, bodies.NewSecrets).secrets
        values = {name: check_secret(name, value) for name, value in given.items()}
        response.media = _set(self._database, self._vault, deployment, values)


class KeyRotation:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    @needs(Right.ADMIN)
    def on_post(self, _request: falcon.Request, response: falcon.Response) -> None:
        response.media = {"values": rotate_key(self._database, self._vault)}


class Secret:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    @needs(Right.DEPLOY, bodies.NewSecret, creates=True)
    def on_put(self, request: falcon.Request, response: falcon.Response, deployment: str, name: str) -> None:
        """{"value": text}. The deployment is made where it is missing."""
        value = check_secret(name, body.read(request, bodies.NewSecret).value)
        response.media = _set(self._database, self._vault, deployment, {name: value})

    @needs(Right.DEPLOY)
    def on_delete(
        self, _request: falcon.Request, response: falcon.Response, deployment: str, name: str
    ) -> None:
        with self._database.write() as connection:
            found = deployments.get(connection, deployment)
            known = [each.name for each in secrets.listed(connection, found)]
            if not secrets.remove(connection, found, name):
                raise CalzionError(
                    f"{deployment} has no secret {name[:80]}",
                    hint=f"it has: {', '.join(known)}" if known else "it has none",
                    code="not_found",
                )
            audit.record(connection, "secrets removed", now=time.time(), on=deployment, names=[name])
            response.media = _changed(connection, found, [name])


def _set(database: Database, vault: Vault, deployment: str, values: dict[str, str]) -> dict[str, Any]:
    label, now = body.label(DeploymentName, deployment), time.time()
    with database.write() as connection:
        found = deployments.create(connection, label, None, now)
        for name, value in values.items():
            secrets.set_secret(connection, vault, found, name, value, now)
        audit.record(connection, "secrets set", now=now, on=label, names=list(values))
        return _changed(connection, found, list(values))


def _changed(connection: Connection, deployment: Deployment, names: list[str]) -> dict[str, Any]:
    """`release` is the one that runs, and goes on with the values from before."""
    current = releases.current(connection, deployment.id)
    return {"deployment": deployment.name, "names": names, "release": current.number if current else None}


def _views(connection: Connection, deployment: Deployment) -> list[dict[str, Any]]:
    current = releases.current(connection, deployment.id)
    env = current.env if current else ()
    services = [each.definition for each in releases.services(connection, current.id)] if current else []
    return [
        {"name": each.name, "changed": iso(each.changed), "services": users(each.name, env, services)}
        for each in secrets.listed(connection, deployment)
    ]
