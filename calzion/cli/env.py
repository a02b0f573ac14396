"""`calzion env`."""

from __future__ import annotations

from typing import Any

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import Target, TargetType
from calzion.cli.terminal import print_json, print_table


@click.command()
@click.argument("target", type=TargetType(), metavar="DEPLOYMENT:SERVICE")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def env(invocation: Invocation, target: Target, as_json: bool) -> None:
    """Show the environment of a service's processes, and where each variable comes from.

    Secrets and generated values are shown as ${NAME}. HOME, LANG, PATH, and what the app's own .profile.d sets, come on
    top: 'calzion run DEPLOYMENT:SERVICE env' shows a process's real one, with every value.
    """
    if target.service is None:
        raise click.UsageError(f"say which service: calzion env {target}:SERVICE")
    path = f"{target.path}/services/{target.service}/environment"
    found: list[dict[str, Any]] = invocation.client().get(path)
    if as_json:
        print_json(found)
        return
    rows = [[each["name"], each["value"], each["from"]] for each in found]
    print_table(["VARIABLE", "VALUE", "FROM"], rows, f"{target} has an empty environment")
