"""`calzion export`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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
from calzion.progress import Event


@click.command("export")
@click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT")
@click.argument("file", metavar="FILE|-")
@click.option("--without-secrets", is_flag=True, help="leave out secrets and generated values")
@click.option("--pause", is_flag=True, help="stop the apps while their data is read, and start them again")
@connection_options
@pass_invocation
def export_deployment(
    invocation: Invocation, deployment: DeploymentName, file: str, without_secrets: bool, pause: bool
) -> None:
    """Write a whole deployment to FILE, from which 'calzion import' makes it anew, here or on another machine.

    That is its current release with the code that it was built from, and its data: postgres by pg_dump, redis by a
    snapshot, the volumes of apps file by file. It serves on meanwhile; a push to it waits. A file that an app changes
    while it is read is named; with --pause no app runs until all is read. What changes afterwards is not in the file.

    FILE holds the deployment's secrets as they are, so only you can read it (mode 0600): keep it as you keep them.
    '-' is standard output.
    """
    show = printer(invocation, sys.stderr if file == "-" else None)
    with _opened(file) as write:
        export_to(
            invocation, invocation.client(), deployment, write, show, secrets=not without_secrets, pause=pause
        )


def export_to(
    invocation: Invocation,
    client: Client,
    deployment: DeploymentName,
    write: Callable[[bytes], object],
    show: Callable[[Event], None],
    *,
    secrets: bool = True,
    pause: bool = False,
) -> None:
    """Have `write` called with the archive of a deployment, and `show` with the events of it. Raises CalzionError."""
    body = {"user": invocation.user, "secrets": secrets, "pause": pause}
    path = f"/deployments/{deployment}/export"
    with (
        client.upgrade(path, body, ARCHIVE_PROTOCOL) as (connection, reader),
        cancelling(Sender(connection).cancel),
    ):
        follow(received(reader, write), show)


@contextmanager
def _opened(file: str) -> Iterator[Callable[[bytes], object]]:
    """What writes to the file, which is there only once all of it is."""
    if file == "-":
        if sys.stdout.isatty():
            raise CalzionError(
                "an export is no text for a terminal",
                hint="name a file, or send it on: … | ssh",
                code="usage",
            )
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    if path.exists():
        raise CalzionError(
            f"{file} exists already", hint="name another file, or remove this one", code="refused"
        )
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CalzionError(f"{file} can't be written: {error.strerror}", code="usage") from error
    try:
        with os.fdopen(descriptor, "wb") as target:
            yield target.write
            target.flush()
            os.fsync(target.fileno())
        scratch.replace(path)
    finally:
        with suppress(FileNotFoundError):
            scratch.unlink()
