"""Users' SSH keys."""

from __future__ import annotations

import base64
import hashlib
import time
from dataclasses import replace
from typing import Any

import falcon
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from calzion.controller.access import parse_pattern, parse_user
from calzion.controller.api import bodies, body
from calzion.controller.api.permission import needs
from calzion.controller.scope import Right
from calzion.controller.store import audit, keys
from calzion.controller.store.database import Database
from calzion.controller.store.keys import UserKey
from calzion.controller.views import key_view
from calzion.errors import CalzionError
from calzion.model import RepositoryName


class Keys:
    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(Right.ADMIN)
    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        with self._database.read() as connection:
            response.media = [key_view(key) for key in keys.all_keys(connection)]

    @needs(Right.ADMIN, bodies.NewKey)
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Without "allow" the key may push to nothing."""
        data = body.read(request, bodies.NewKey)
        key = replace(
            parse_key(data.name, data.key),
            allow=tuple(parse_pattern(each) for each in data.allow),
            repositories=tuple(body.label(RepositoryName, each) for each in data.repositories),
            admin=data.admin,
        )
        with self._database.write() as connection:
            known = keys.by_fingerprint(connection, key.fingerprint)
            if known:
                raise CalzionError(
                    f"this key is {known.name}'s already",
                    hint=f"calzion keys remove {known.fingerprint}",
                    code="conflict",
                )
            keys.add(connection, key)
            audit.record(connection, "key added", now=key.added, **_told(key))
        response.status = falcon.HTTP_201
        response.media = key_view(key)


class Key:
    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(Right.ADMIN)
    def on_delete(self, _request: falcon.Request, response: falcon.Response, name: str) -> None:
        with self._database.write() as connection:
            removed = keys.remove(connection, name)
            for key in removed:
                audit.record(connection, "key removed", now=time.time(), **_told(key))
        if not removed:
            raise CalzionError(f"there is no key {name}", hint="see 'calzion keys list'", code="not_found")
        response.media = {"removed": [key_view(key) for key in removed]}


def _told(key: UserKey) -> dict[str, Any]:
    """What the audit trail tells of a key."""
    view = key_view(key)
    return {name: view[name] for name in ("name", "fingerprint", "allow", "repositories", "admin")}


def parse_key(name: str, line: str) -> UserKey:
    """A line as in id_ed25519.pub, for a user who may do nothing yet.

    Raises CalzionError (usage) where it is no public key that can be used.
    """
    user = parse_user(name)
    parts = line.split()
    try:
        if len(parts) < 2 or len(line) > 16_384 or "\n" in line.strip():
            raise ValueError("it is not 'TYPE BASE64 [COMMENT]' in one line")
        load_ssh_public_key(f"{parts[0]} {parts[1]}".encode())
        blob = base64.b64decode(parts[1], validate=True)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CalzionError(
            f"this is no public SSH key: {error}", hint="give the file that ends in .pub", code="usage"
        ) from error
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return UserKey(
        name=user,
        fingerprint=f"SHA256:{digest}",
        type=parts[0],
        blob=parts[1],
        allow=(),
        admin=False,
        added=time.time(),
    )
