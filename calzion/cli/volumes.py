"""`calzion volumes`: what is kept of a deployment's data."""

from __future__ import annotations

import re
from typing import Any

import click

from calzion.cli.follow import events, follow, printer
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import DeploymentType
from calzion.cli.terminal import print_json, print_table, size
from calzion.errors import CalzionError
from calzion.model import DeploymentName

_VOLUME = re.compile(r"([a-z0-9-]{1,63})/([a-z0-9-]{1,63})")


@click.group()
def volumes() -> None:
    """The volumes of deployments: what is in them, and the end of those that nothing uses."""


@volumes.command("list")
@click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def list_volumes(invocation: Invocation, deployment: DeploymentName, as_json: bool) -> None:
    """List the volumes with their sizes, and whether a service of the current release uses them."""
    found = _volumes(invocation, deployment)
    if as_json:
        print_json(found)
        return
    rows = [[each["name"], size(each["size"]), "in use" if each["used"] else "kept"] for each in found]
    print_table(["VOLUME", "SIZE", "STATE"], rows, f"{deployment} has no volumes")


@volumes.command("remove")
@click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT")
@click.argument("volume", metavar="SERVICE/NAME")
@click.option("--yes", is_flag=True, help="do not ask")
@connection_options
@pass_invocation
def remove(invocation: Invocation, deployment: DeploymentName, volume: str, yes: bool) -> None:
    """Remove a volume that no service uses any more. This can't be undone."""
    if not _VOLUME.fullmatch(volume):
        raise click.UsageError(
            f"{volume!r}: write SERVICE/NAME, as 'calzion volumes list {deployment}' shows them"
        )
    if not yes and not click.confirm(f"Remove {volume} of {deployment} with all that is in it?", err=True):
        raise CalzionError("nothing was removed", code="refused")
    path = f"/deployments/{deployment}/volumes/{volume}"
    follow(events(invocation.client().stream("DELETE", path)), printer(invocation))


def _volumes(invocation: Invocation, deployment: DeploymentName) -> list[dict[str, Any]]:
    shown: dict[str, Any] = invocation.client().get(f"/deployments/{deployment}")
    kept = shown["kept_volumes"]
    return [
        {"name": name, "size": count, "used": name not in kept} for name, count in shown["volumes"].items()
    ]
