"""Heroku's app.json: variables, add-ons, buildpacks, and a command for a new app."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from calzion.errors import CalzionError
from calzion.scaffold.naming import free, label
from calzion.scaffold.sketch import Notes
from calzion.scaffold.vault import Vault, literal
from calzion.template.data import Data, from_json, shown

FILE = "app.json"

_ADDONS = {
    "postgres": ("heroku-postgresql", "crunchybridge", "postgresql"),
    "redis": (
        "heroku-redis",
        "rediscloud",
        "redistogo",
        "openredis",
        "redisgreen",
        "heroku-kvs",
        "stackhero-redis",
    ),
}
_BUILDPACKS = {
    "python": "python",
    "nodejs": "node",
    "node": "node",
    "static": "static",
    "nginx": "static",
    "procfile": "procfile",
}
_OWN_BUILDPACK = re.compile(
    r"(?:urn:buildpack:)?(?:https://\S+/)?(?:heroku|heroku-community)/(?:heroku-buildpack-)?([a-z-]+?)(?:\.git)?(?:#\S*)?"
)
_SILENT = re.compile(r"\$schema|name|description|keywords|website|repository|logo|success_url|stack")
_READ = frozenset({"env", "addons", "buildpacks", "formation", "scripts", "environments"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """`env` is for the app, `services` are what its add-ons become, `idle` the process types of which none runs."""

    env: dict[str, str] = field(default_factory=dict)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    buildpacks: tuple[str, ...] = ()
    postdeploy: str = ""
    idle: frozenset[str] = frozenset()


def read_manifest(content: bytes, path: str, owner: str, notes: Notes, vault: Vault) -> Manifest:
    """Read it for the app service `owner`. Raises CalzionError (usage) where it is no JSON object."""
    data = _load(content, path)
    for key in data:
        if key not in _READ and not _SILENT.fullmatch(key):
            notes.leave(owner, f"{key} of {path}")
    if data.get("environments"):
        notes.leave(owner, f"environments of {path}: every deployment is made of the same template")
    scripts = _map(data.get("scripts"))
    for name in scripts:
        if name != "postdeploy":
            notes.leave(owner, f"the script {name} of {path}")
    return Manifest(
        env=dict(_variables(_map(data.get("env")), path, owner, notes, vault)),
        services=_services(data.get("addons"), owner, notes),
        buildpacks=tuple(_buildpacks(data.get("buildpacks"), owner, notes)),
        postdeploy=_text(scripts.get("postdeploy")),
        idle=_idle(_map(data.get("formation")), owner, notes),
    )


def _load(content: bytes, path: str) -> dict[str, Data]:
    try:
        data = from_json(json.loads(content.decode("utf-8-sig")))
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise CalzionError(
            f"{path} can't be read: {why}", code="usage", hint="mend it, or move it away"
        ) from None
    if not isinstance(data, dict):
        raise CalzionError(
            f"{path} can't be read: it is no JSON object", code="usage", hint="mend it, or move it away"
        )
    return data


def _variables(
    env: dict[str, Data], path: str, owner: str, notes: Notes, vault: Vault
) -> Iterator[tuple[str, str]]:
    for name, entry in env.items():
        if not _NAME.fullmatch(name):
            notes.leave(owner, f"the variable {shown(name)}: this is no name of a variable")
        elif name in ("BUILDPACK_URL", "PORT"):
            notes.leave(owner, f"the variable {name} of {path}")
        elif not isinstance(entry, dict):
            yield name, vault.value(name, literal(_text(entry)), owner)
        elif _text(entry.get("generator")) == "secret":
            yield name, vault.reference(name, "", owner, own=True)
        elif value := _text(entry.get("value")) or _text(entry.get("default")):
            yield name, vault.value(name, literal(value), owner)
        elif _text(entry.get("required")) == "false":
            notes.leave(owner, f"the variable {name} of {path}, which is not required and has no value")
        else:
            yield name, vault.reference(name, "", owner)


def _services(addons: Data, owner: str, notes: Notes) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for item in addons if isinstance(addons, list) else ():
        plan = _text(item.get("plan")) if isinstance(item, dict) else _text(item)
        prefix = _text(item.get("as")) if isinstance(item, dict) else ""
        kind = next((kind for kind, plans in _ADDONS.items() if plan.partition(":")[0] in plans), None)
        if kind is None:
            notes.leave(
                owner, f"the add-on {plan}: Calzion has none of the kind; give its address in variables"
            )
            continue
        name = free(label(prefix, kind) if prefix else kind, found)
        found[name] = {} if name == kind else {"image": kind}
    return found


def _buildpacks(buildpacks: Data, owner: str, notes: Notes) -> Iterator[str]:
    for item in buildpacks if isinstance(buildpacks, list) else ():
        url = _text(item.get("url")) if isinstance(item, dict) else _text(item)
        match = _OWN_BUILDPACK.fullmatch(url)
        if match and match[1] in _BUILDPACKS:
            yield _BUILDPACKS[match[1]]
        elif url.startswith("https://"):
            yield url
        elif url:
            notes.leave(owner, f"the buildpack {url}: name one by its URL in 'buildpacks', if it is needed")


def _idle(formation: dict[str, Data], owner: str, notes: Notes) -> frozenset[str]:
    idle = set()
    for name, entry in formation.items():
        quantity = _text(entry.get("quantity")) if isinstance(entry, dict) else ""
        if quantity == "0":
            idle.add(name)
        elif quantity not in ("", "1"):
            notes.leave(owner, f"{quantity} of {name}: calzion scale DEPLOYMENT {owner}.{name}={quantity}")
        if isinstance(entry, dict) and entry.get("size"):
            notes.leave(owner, f"the size of {name}: limits belong to the server")
    return frozenset(idle)


def _map(data: Data) -> dict[str, Data]:
    return data if isinstance(data, dict) else {}


def _text(data: Data) -> str:
    if data is None or isinstance(data, list | dict):
        return ""
    return data if isinstance(data, str) else data.text
