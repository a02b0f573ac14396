"""`calzion releases`."""

from __future__ import annotations

import time
from typing import Any

import click

from calzion.cli.deployments import version
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import DeploymentType
from calzion.cli.terminal import ago, print_json, print_table
from calzion.model import DeploymentName

KEYS = ("version", "state", "commit", "user", "started", "seconds", "act", "changes", "message", "rollback")

_MOST = 60
"""Characters of what changed or failed that the table shows."""


@click.command()
@click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def releases(invocation: Invocation, deployment: DeploymentName, as_json: bool) -> None:
    """List the releases of a deployment, newest first: who, when, what changed, and how it ended.

    BACK marks those to which 'calzion rollback' can go back. With --json, 'changes' holds a line for each service and
    task, 'act' what a release did that was no push or deploy, 'message' why it failed, and 'rollback' what BACK shows.
    """
    found: list[dict[str, Any]] = invocation.client().get(f"/deployments/{deployment}/releases")
    if as_json:
        print_json([{key: release[key] for key in KEYS} for release in found])
        return
    header = ["VERSION", "STATE", "BACK", "COMMIT", "USER", "STARTED", "TOOK", "WHAT"]
    print_table(header, [_row(each, time.time()) for each in found], f"{deployment} has no release yet")


def _row(release: dict[str, Any], now: float) -> list[str]:
    seconds = release["seconds"]
    return [
        version(release["version"]),
        release["state"],
        "yes" if release["rollback"] else "",
        release["commit"][:7],
        release["user"] or "",
        ago(release["started"] or "", now),
        f"{seconds:.1f} s" if seconds is not None else "-",
        _what(release),
    ]


def _what(release: dict[str, Any]) -> str:
    """How it failed, or what it did."""
    told = release["message"] or "; ".join(filter(None, [release["act"], *release["changes"]]))
    first = next(iter(told.splitlines()), "")
    return first if len(first) <= _MOST else f"{first[: _MOST - 1]}…"
