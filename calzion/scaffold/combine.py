"""An app with a Procfile that a Compose file builds too, perhaps several times: which service is which."""

from __future__ import annotations

from typing import Any

from calzion.scaffold.apps import App
from calzion.scaffold.sketch import Notes

_PORTS = ("port", "ports")


def combine(app: App, known: list[str], services: dict[str, dict[str, Any]], notes: Notes) -> str:
    """Let one of the `known` services be the app, run by its Procfile; returns its name.

    The others that are processes of the Procfile go; the rest keep their own commands.
    """
    owner = _owner(known, services)
    if not app.procfile:
        return owner
    keys = services[owner]
    types = dict(app.procfile)
    if "cmd" in keys:
        notes.decide(owner, "it runs what its Procfile says, not the command of the Compose file")
    services[owner] = {key: value for key, value in keys.items() if key not in ("cmd", *_PORTS)}
    for name in known:
        if name == owner:
            continue
        if name in types:
            notes.decide(name, f"it is a process of {owner}, by its Procfile")
            _share_environment(services[owner], services.pop(name))
        else:
            services[name]["processes"] = ["web"]
    return owner


def _owner(known: list[str], services: dict[str, dict[str, Any]]) -> str:
    """The one called web, else the first that something reaches, else the first."""
    if "web" in known:
        return "web"
    reached = [name for name in known if services[name].get("port") or services[name].get("ports") != []]
    return next(iter(reached), known[0])


def _share_environment(keys: dict[str, Any], gone: dict[str, Any]) -> None:
    env = {**gone.get("env", {}), **keys.get("env", {})}
    if env:
        keys["env"] = env
