"""`calzion import`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from calzion.cli.archive import Sender, received
from calzion.cli.client import Client
from calzion.cli.follow import follow, printer
from calzion.cli.interrupt import cancelling
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import DeploymentType
from calzion.errors import CalzionError
from calzion.frames import ARCHIVE_PROTOCOL
from calzion.model import DeploymentName


@click.command("import")
@click.argument("file", metavar="FILE|-")
@click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT")
@click.option(
    "--sanitize", is_flag=True, help="run the tasks that have 'sanitize: true' before anything sees the data"
)
@connection_options
@pass_invocation
def import_deployment(invocation: Invocation, file: str, deployment: DeploymentName, sanitize: bool) -> None:
    """Make DEPLOYMENT, which must not be there yet, of a file that 'calzion export' wrote. '-' is standard input.

    All of the file is read and checked first. Then its code is built here, its data is put in place before anything
    of the app runs, and it goes live as a release like any other: release commands run, tasks that were done already
    do not. The branch DEPLOYMENT of its repository is at the commit that it was, so the next push sends only what is
    new. Whatever fails, also Ctrl-C before the switch, leaves nothing of it.
    """
    with _opened(file) as archive:
        import_from(invocation, invocation.client(), archive, deployment, sanitize=sanitize)


def import_from(
    invocation: Invocation,
    client: Client,
    archive: IO[bytes],
    deployment: DeploymentName,
    *,
    sanitize: bool = False,
) -> None:
    """Make a deployment of what `archive` gives, and print the events of it. Raises CalzionError."""
    body = {"user": invocation.user, "sanitize": sanitize}
    path = f"/deployments/{deployment}/import"
    with client.upgrade(path, body, ARCHIVE_PROTOCOL) as (connection, reader):
        sender = Sender(connection)
        sender.send_all(archive)
        with cancelling(sender.cancel):
            follow(received(reader, lambda _: None), printer(invocation))


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    if file == "-":
        if sys.stdin.isatty():
            raise CalzionError(
                "there is nothing on standard input", hint="name a file, or send one: ssh … |", code="usage"
            )
        yield sys.stdin.buffer
        return
    try:
        archive = Path(file).open("rb")  # noqa: SIM115 (closed below)
    except FileNotFoundError:
        raise CalzionError(f"there is no file {file}", code="not_found") from None
    except OSError as error:
        raise CalzionError(f"{file} can't be read: {error.strerror}", code="usage") from error
    with archive:
        yield archive
