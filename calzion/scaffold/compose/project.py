"""A whole Compose file -> services."""

from __future__ import annotations

from typing import Any

from calzion.errors import CalzionError
from calzion.scaffold.compose.context import Context, Owner
from calzion.scaffold.compose.environment import dotenv
from calzion.scaffold.compose.leftover import say_left_at_root
from calzion.scaffold.compose.mounts import VOLUME, mounts
from calzion.scaffold.compose.reading import read_compose, scalar, scalars
from calzion.scaffold.compose.service import service_keys, waits_for_end_of
from calzion.scaffold.images import is_data
from calzion.scaffold.naming import free, label
from calzion.scaffold.sketch import Notes
from calzion.scaffold.tree import ROOT, Tree
from calzion.scaffold.vault import Vault
from calzion.template.data import Data

FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""In the order in which Compose looks for them."""

MAX_SERVICES = 200
_DEEPEST = 8

Written = dict[str, Data]


def read_project(tree: Tree, file: str, notes: Notes, vault: Vault) -> dict[str, dict[str, Any]]:
    """Name -> keys of every service that can be one. Raises CalzionError (usage) where the file can't be read."""
    content = tree.read(file)
    if content is None:
        raise CalzionError(
            f"there is no file {file}", code="usage", hint="name one that is in the repository"
        )
    data = read_compose(content, file)
    services = _services(data, file)
    kept = _kept(services, notes)
    directory = file.rpartition("/")[0] or ROOT
    context = Context(
        tree=tree,
        directory=directory,
        known=dotenv(tree, directory),
        names=_names(kept, notes),
        notes=notes,
        vault=vault,
    )
    say_left_at_root(data, Owner(name="", data=False, context=context))
    return _read(kept, context)


def _services(data: Written, file: str) -> dict[str, Written]:
    written = data.get("services")
    if not isinstance(written, dict):
        raise CalzionError(
            f"{file} has no map 'services'",
            code="usage",
            hint="files without it are of a Compose older than 2016; leave it out: --no-compose",
        )
    if len(written) > MAX_SERVICES:
        raise CalzionError(
            f"{file} has {len(written)} services; at most {MAX_SERVICES} are read", code="usage"
        )
    services = {name: value for name, value in written.items() if isinstance(value, dict)}
    return {name: _extended(value, services, 0) for name, value in services.items()}


def _extended(service: Written, services: dict[str, Written], depth: int) -> Written:
    """The service on top of the one of the same file that it extends."""
    extends = service.get("extends")
    base = (
        scalar(extends.get("service"))
        if isinstance(extends, dict) and "file" not in extends
        else scalar(extends)
    )
    if base not in services or depth >= _DEEPEST:
        return service
    return {**_extended(services[base], services, depth + 1), **service}


def _kept(services: dict[str, Written], notes: Notes) -> dict[str, Written]:
    """Without those that run on demand, or once before others."""
    ending = {name for service in services.values() for name in waits_for_end_of(service)}
    kept: dict[str, Written] = {}
    for name, service in services.items():
        if profiles := scalars(service.get("profiles") or []):
            notes.leave(name, f"the service, which belongs to the profile {', '.join(profiles)}")
        elif name in ending:
            notes.leave(
                name, "the service, which runs to its end: make it a 'release' command, or a task in 'Run'"
            )
        else:
            kept[name] = service
    return kept


def _names(services: dict[str, Written], notes: Notes) -> dict[str, str]:
    names: dict[str, str] = {}
    for name in services:
        names[name] = free(label(name, "service"), names.values())
        if names[name] != name:
            notes.decide(
                names[name],
                f"the service was named {name}; where the code names it as a host, write the new name",
            )
    return names


def _read(services: dict[str, Written], context: Context) -> dict[str, dict[str, Any]]:
    """Databases first, because the passwords that others share with them are theirs."""
    owners = {
        name: Owner(
            name=context.names[name], data=is_data(scalar(service.get("image")) or ""), context=context
        )
        for name, service in services.items()
    }
    found = {
        name: service_keys(services[name], owners[name])
        for name in sorted(services, key=lambda name: not owners[name].data)
    }
    for name, keys in found.items():
        if not keys:
            context.notes.leave(name, "the service: it has neither an image nor a build in the repository")
    _say_shared(services, owners)
    kept = {context.names[name]: found[name] for name in services if found[name]}
    return {name: _with_known(keys, kept) for name, keys in kept.items()}


def _say_shared(services: dict[str, Written], owners: dict[str, Owner]) -> None:
    """Note the volumes that several services have in common."""
    users: dict[str, list[Owner]] = {}
    for name, service in services.items():
        for source in {mount.source for mount in mounts(service, owners[name]) if mount.kind == VOLUME}:
            users.setdefault(source, []).append(owners[name])
    for source, sharing in sorted(users.items()):
        if source and len(sharing) > 1:
            names = ", ".join(owner.name for owner in sharing)
            sharing[0].context.notes.leave("", f"the volume {source} in common: {names} each have their own")


def _with_known(keys: dict[str, Any], kept: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The keys, requiring only what is there."""
    if "require" not in keys:
        return keys
    require = [name for name in keys["require"] if name in kept]
    rest = {key: value for key, value in keys.items() if key != "require"}
    return {**rest, "require": require} if require else rest
