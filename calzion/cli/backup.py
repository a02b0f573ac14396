"""`calzion backup`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from calzion.cli.exporting import export_to
from calzion.cli.follow import printer
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.terminal import size
from calzion.errors import CalzionError
from calzion.model import DeploymentName
from calzion.progress import Event

if TYPE_CHECKING:
    from calzion.backup.writing import BackupWriter
    from calzion.cli.client import Client


@click.command("backup")
@click.argument(
    "target",
    metavar="DIRECTORY|FILE.tar|-",
    help="a new directory, or a new tar archive; '-' is standard output",
)
@click.option("--pause", is_flag=True, help="stop the apps of each deployment while its data is read")
@connection_options
@pass_invocation
def backup(invocation: Invocation, target: str, pause: bool) -> None:
    """Write all that this server serves to DIRECTORY or FILE.tar, from which 'calzion restore' makes it anew.

    That is every deployment as 'calzion export' writes it (current release, code, data, secrets), the users' keys,
    the registries' credentials and the host keys by which clients know the server. Everything serves on meanwhile;
    a push to the deployment that is read waits. A deployment without a release is named and left out.

    The backup holds secrets as they are, so only you can read it: keep it as you keep them. '-' is standard output.
    """
    from calzion import wiring
    from calzion.backup import writing
    from calzion.backup.contents import NAME

    if target == "-" and sys.stdout.isatty():
        raise CalzionError("a backup is no text for a terminal", hint="name a file", code="usage")
    out = sys.stderr if target == "-" else sys.stdout
    began, show = time.monotonic(), printer(invocation, out)
    client = invocation.local_client()
    listed = client.get("/deployments")
    with writing.opened(target, sys.stdout.buffer) as writer:
        sizes = {
            name: _write(invocation, client, name, writer, show, pause=pause)
            for name in (DeploymentName.parse(each["name"]) for each in listed if each["release"])
        }
        written = tuple(name for name, bytes_ in sizes.items() if bytes_)
        contents = wiring.backup_contents(invocation.settings(), written, datetime.now(UTC))
        with writer.file(NAME) as write:
            write(contents.to_json())
    for each in listed:
        if each["name"] not in written:
            print(f" !     {each['name']} is not in it: it has no release", file=sys.stderr)
    seconds = time.monotonic() - began
    print(
        f"{len(written)} deployments, {len(contents.keys)} keys: {size(sum(sizes.values()))} in {seconds:.1f} s",
        file=out,
    )


def _write(
    invocation: Invocation,
    client: Client,
    name: DeploymentName,
    writer: BackupWriter,
    show: Callable[[Event], None],
    *,
    pause: bool,
) -> int:
    """Its bytes; 0 where it was destroyed meanwhile."""
    from calzion.backup.contents import export_name

    counted = 0
    try:
        with writer.file(export_name(name)) as write:

            def take(data: bytes) -> None:
                nonlocal counted
                write(data)
                counted += len(data)

            export_to(invocation, client, name, take, show, pause=pause)
    except CalzionError as error:
        if error.code != "not_found":
            raise
        return 0
    return counted
