"""`calzion list`."""

from __future__ import annotations

from typing import Any

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.terminal import print_json, print_table

KEYS = ("name", "release", "state", "services")


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def list_deployments(invocation: Invocation, as_json: bool) -> None:
    """List the deployments."""
    found: list[dict[str, Any]] = invocation.client().get("/deployments")
    if as_json:
        print_json([{key: deployment[key] for key in KEYS} for deployment in found])
        return
    print_table(
        ["NAME", "RELEASE", "STATE", "SERVICES"],
        [
            [each["name"], version(each["release"]), each["state"], ", ".join(each["services"])]
            for each in found
        ],
        "no deployments yet: push one with 'git push'",
    )


def version(number: int | None) -> str:
    return f"v{number}" if number is not None else "-"
