"""What must be true of a server at rest, whatever happened to it before: each untruth is a sentence."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from calzion.backends.hostclient import Lost
from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.routing.frontend import ROUTES
from calzion.routing.names import MEMBER
from calzion.routing.runtime import RuntimeApi, RuntimeApiError
from calzion.routing.state import load_state
from tests.faults.app import KEPT, NAME, guest, services
from tests.faults.running import names
from tests.faults.site import FaultySite

_ENDED = {"current", "superseded", "failed", "cancelled"}


@dataclass(frozen=True, kw_only=True)
class Expected:
    """`version` serves, and went live by `commit`. `pushed` is what was pushed last, `lived` all that ever served."""

    version: int
    commit: str
    pushed: str
    lived: frozenset[int]


def untruths(site: FaultySite, expected: Expected) -> list[str]:
    try:
        return list(_untruths(site, expected))
    except (CalzionError, RuntimeApiError, Lost, AssertionError) as error:
        return [f"{type(error).__name__}: {error}"]


def _untruths(site: FaultySite, expected: Expected) -> Iterator[str]:
    states = json.loads((site.data / "run" / "parts.json").read_text())["parts"]
    if down := [name for name, part in states.items() if part["state"] != "up"]:
        yield f"down: {down}"
        return
    yield from _served(site, expected)
    yield from _listed(site, expected)
    rows = site.json("ps", NAME)
    yield from _instances(site, rows, expected)
    yield from _routes(site, {row["endpoint"] for row in rows})
    yield from _files(site, expected)


def _served(site: FaultySite, expected: Expected) -> Iterator[str]:
    """One whole release, and no other."""
    for service in services(expected.version):
        if (found := site.get(f"{service}.{NAME}")) != (200, str(expected.version)):
            yield f"{service} answers {found}, not {expected.version}"
    for version in range(max(1, expected.version - 2), expected.version + 3):
        found = site.get(f"{guest(version)}.{NAME}")
        if version != expected.version and found[0] == 200:
            yield f"{guest(version)} answers {found}"


def _listed(site: FaultySite, expected: Expected) -> Iterator[str]:
    """`calzion releases` tells how each ended, and the current one is what serves."""
    releases = site.json("releases", NAME)
    current = [each for each in releases if each["state"] == "current"]
    if [each["commit"] for each in current] != [expected.commit]:
        yield f"current is {current}, not {expected.commit}"
    for each in releases:
        if each["state"] not in _ENDED or (each["state"] == "failed" and not each["message"]):
            yield f"v{each['version']} is {each['state']}: {each['message']!r}"
    wrong = {"current", "superseded"} if expected.pushed != expected.commit else set()
    for each in releases:
        if each["commit"] == expected.pushed and each["state"] in wrong:
            yield f"what was pushed last is {each['state']}"


def _instances(site: FaultySite, rows: list[dict[str, Any]], expected: Expected) -> Iterator[str]:
    """`calzion ps`, the engine, the processes and their directories are of the same instances."""
    wanted = sorted(services(expected.version))
    if sorted(row["service"] for row in rows) != wanted:
        yield f"ps has {[row['service'] for row in rows]}, not {wanted}"
    if idle := [row for row in rows if row["state"] != "running"]:
        yield f"ps has {idle}"
    ids = {row["instance"] for row in rows}
    layout = Layout(site.data)
    for where, found in (
        ("the engine has", site.running.known()),
        ("there are processes of", site.running.alive()),
        ("there are directories of", {path.name for path in layout.instances.iterdir()}),
        ("the store has", _column(site, "SELECT id FROM instances")),
    ):
        if found != ids:
            yield f"{where} {found}, ps has {ids}"
    yield from site.running.strays(NAME, ids)


def _routes(site: FaultySite, endpoints: set[str]) -> Iterator[str]:
    """HAProxy has the instances' endpoints alone, each slot with a route, and each route with a slot."""
    layout = Layout(site.data)
    with RuntimeApi(layout.router_socket) as api:
        servers, routes = api.servers(), {key: to for key, to in api.entries(ROUTES).items() if to != MEMBER}
    filled = {slot for slot, names in servers.items() if names}
    if filled != set(routes.values()):
        yield f"slots {filled} have servers, routes lead to {routes}"
    for kind in ("http", "tcp"):
        found = {name for slot, names in servers.items() if slot.startswith(kind) for name in names}
        if found != endpoints:
            yield f"the {kind} slots have {found}, ps has {endpoints}"
    if idle := [(slot, name) for slot, names in servers.items() for name, on in names.items() if not on]:
        yield f"servers take no traffic: {idle}"
    if {placed.slot for placed in load_state(layout.router).pools.values()} != filled:
        yield f"the router's state has {load_state(layout.router).pools}"


def _files(site: FaultySite, expected: Expected) -> Iterator[str]:
    """No volume of a service that never lived, no slug that no release has, nothing half built."""
    layout = Layout(site.data)
    volumes = {f"{name}.data" for name in (KEPT, *map(guest, expected.lived))}
    if stray := site.running.volumes(NAME) ^ volumes:
        yield f"volumes too many or gone: {stray}"
    needed, allowed = _slugs(site)
    if gone := needed - names(layout.slugs):
        yield f"slugs gone: {gone}"
    if orphans := names(layout.slugs) - needed - allowed:
        yield f"slugs of nothing: {orphans}"
    if half := names(layout.builds):
        yield f"half built: {half}"


def _slugs(site: FaultySite) -> tuple[set[str], set[str]]:
    """Those of releases that serve or can be gone back to, and those of what was tried or pushed last."""
    listed = site.json("releases", NAME)
    kept = [each for each in listed if each["state"] == "current" or each["rollback"]]
    tried = [each for each in listed if each["seconds"] is not None]
    return _slugs_of(site, kept), _slugs_of(site, [*listed[:1], *tried[:1]])


def _slugs_of(site: FaultySite, listed: list[dict[str, Any]]) -> set[str]:
    numbers = ", ".join(str(each["version"]) for each in listed)
    return _column(
        site,
        "SELECT slug FROM release_services JOIN releases ON releases.id = release_id"
        f" WHERE slug != '' AND releases.number IN ({numbers})",
    )


def _column(site: FaultySite, query: str) -> set[str]:
    with closing(sqlite3.connect(Layout(site.data).database)) as connection:
        return {str(row[0]) for row in connection.execute(query)}
