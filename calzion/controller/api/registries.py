"""Credentials for registries: set, listed without passwords, removed."""

from __future__ import annotations

import time
from urllib.parse import unquote

import falcon

from calzion.controller.api import bodies, body
from calzion.controller.api.permission import needs
from calzion.controller.registries import check_host, check_login
from calzion.controller.scope import Right
from calzion.controller.store import audit, registries
from calzion.controller.store.database import Database
from calzion.controller.vault import Vault
from calzion.controller.views import iso
from calzion.errors import CalzionError


class Registries:
    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(Right.ADMIN)
    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        with self._database.read() as connection:
            response.media = [
                {"host": each.host, "user": each.user, "changed": iso(each.changed)}
                for each in registries.listed(connection)
            ]


class Registry:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    @needs(Right.ADMIN, bodies.Login)
    def on_put(self, request: falcon.Request, response: falcon.Response, host: str) -> None:
        """{"user": text, "password": text}."""
        name, data = check_host(unquote(host)), body.read(request, bodies.Login)
        login = check_login(data.user, data.password)
        with self._database.write() as connection:
            registries.put(connection, self._vault, name, login, time.time())
            audit.record(connection, "registry set", now=time.time(), host=name, login=login.user)
        response.media = {"host": name, "user": login.user}

    @needs(Right.ADMIN)
    def on_delete(self, _request: falcon.Request, response: falcon.Response, host: str) -> None:
        name = check_host(unquote(host))
        with self._database.write() as connection:
            known = [each.host for each in registries.listed(connection)]
            if not registries.remove(connection, name):
                raise _unknown(name, known)
            audit.record(connection, "registry removed", now=time.time(), host=name)
        response.media = {"host": name}


def _unknown(host: str, known: list[str]) -> CalzionError:
    return CalzionError(
        f"no credentials are set for {host}",
        hint=f"there are some for: {', '.join(known)}" if known else "there are none",
        code="not_found",
    )
