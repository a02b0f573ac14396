"""`calzion serve`: everything on this machine, or one part of it."""

from __future__ import annotations

import json
import os
from typing import NoReturn

import click

from calzion.cli.invocation import Invocation, pass_invocation, settings_options
from calzion.cli.part import PARTS, part_environment, run_part
from calzion.config import Settings
from calzion.supervisor.command import SUPERVISOR, program, variables


@click.command()
@click.argument("part", required=False, type=click.Choice(PARTS), metavar="[PART]")
@click.option("--ephemeral", is_flag=True, help="stop every deployment's processes too when it ends")
@settings_options
@pass_invocation
def serve(invocation: Invocation, part: str | None, ephemeral: bool) -> int:
    """Run everything on this machine, in the foreground, until SIGTERM or Ctrl-C.

    Deployments go on running afterwards, with the router and the host daemon that they need, so that an upgrade
    is no outage; 'calzion stop --all' or --ephemeral stops them too.

    PART runs one part alone: host, router, reconciler, controller or sshd.
    """
    settings = invocation.settings()
    if part:
        if ephemeral:
            raise click.UsageError("--ephemeral is for the whole, not for one part")
        said = lambda facts: print(json.dumps({"ready": True, **facts}), flush=True)  # noqa: E731
        return run_part(part, settings, said, invocation.environ)
    _become_supervisor(invocation, settings, ephemeral)


def _become_supervisor(invocation: Invocation, settings: Settings, ephemeral: bool) -> NoReturn:
    """Replace this process by the supervisor, which then needs no memory for what parsed the command line."""
    arguments = ["serve", "--data", str(settings.data), *(["--ephemeral"] if ephemeral else [])]
    environ = part_environment(invocation.environ, SUPERVISOR, variables(settings))
    command = [*program(), *arguments]
    os.execve(command[0], command, environ)
