"""How registrations are written in etcd: PREFIX/instances/DEPLOYMENT/SERVICE/PORT/INSTANCE. Pure."""

from __future__ import annotations

import json

from calzion.discovery.registration import Key, Registration, Selection
from calzion.model import Endpoint

_UNNAMED = "_"
"""The unnamed port, which no name of a port can be."""


def path_of(prefix: str, key: Key) -> str:
    deployment, service, port, instance = key
    return f"{prefix}/instances/{deployment}/{service}/{port or _UNNAMED}/{instance}"


def directory_of(prefix: str, selection: Selection) -> str:
    """What the paths of all that is selected begin with, with a slash at its end."""
    port = None if selection.port is None else selection.port or _UNNAMED
    parts = (part for part in (selection.deployment, selection.service, port) if part is not None)
    return "".join(f"{part}/" for part in (prefix, "instances", *parts))


def key_of(prefix: str, path: str) -> Key | None:
    """None where the path is none of ours."""
    parts = path.removeprefix(f"{prefix}/instances/").split("/")
    if not path.startswith(f"{prefix}/instances/") or len(parts) != 4 or not all(parts):
        return None
    deployment, service, port, instance = parts
    return (deployment, service, "" if port == _UNNAMED else port, instance)


def value_of(registration: Registration) -> str:
    return json.dumps({"host": registration.endpoint.host, "port": registration.endpoint.port})


def registration_of(key: Key, value: str) -> Registration | None:
    """None where somebody else wrote what we can't read."""
    try:
        data = json.loads(value)
        endpoint = Endpoint(str(data["host"]), int(data["port"]))
    except (ValueError, KeyError, TypeError):
        return None
    deployment, service, port, instance = key
    return Registration(
        deployment=deployment, service=service, port=port, instance=instance, endpoint=endpoint
    )
