"""`calzion list`."""

from __future__ import annotations

import time
from typing import Any

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.terminal import moment, print_json, print_table
from calzion.lifetime import span

KEYS = ("name", "release", "state", "services", "urls", "expires")


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def list_deployments(invocation: Invocation, as_json: bool) -> None:
    """List the deployments."""
    found: list[dict[str, Any]] = invocation.client().get("/deployments")
    if as_json:
        print_json([{key: deployment.get(key) for key in KEYS} for deployment in found])
        return
    now = time.time()
    rows = [
        [each["name"], version(each["release"]), _state(each, now), ", ".join(each["services"]), _url(each)]
        for each in found
    ]
    print_table(
        ["NAME", "RELEASE", "STATE", "SERVICES", "URL"], rows, "no deployments yet: push one with 'git push'"
    )


def _url(deployment: dict[str, Any]) -> str:
    """The first, and how many more there are."""
    found: list[str] = deployment.get("urls") or []
    return " ".join([*found[:1], *([f"+{len(found) - 1}"] if found[1:] else [])])


def _state(deployment: dict[str, Any], now: float) -> str:
    """With what is left of its time; `!` where that is not much."""
    expires = moment(deployment.get("expires") or "")
    if expires is None:
        return str(deployment["state"])
    left = f"{deployment['state']}, expires in {span(expires - now)}"
    return f"{left} !" if deployment.get("expires_soon") else left


def version(number: int | None) -> str:
    return f"v{number}" if number is not None else "-"
