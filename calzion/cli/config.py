"""`calzion config`."""

from __future__ import annotations

import click

from calzion.cli.invocation import Invocation, pass_invocation, settings_options
from calzion.cli.terminal import print_json, print_table
from calzion.config import SETTINGS, example_file
from calzion.supervisor.command import variables


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@click.option("--example", is_flag=True, help="print a calzion.toml to begin with, and nothing else")
@settings_options
@pass_invocation
def config(invocation: Invocation, as_json: bool, example: bool) -> None:
    """Print the settings in force and where each came from: flag, variable, file or default.

    A setting's flag goes before its variable (CALZION_DOMAIN for --domain), that before the file, that before the
    default. The file is the one that --config names, else CALZION_CONFIG, else calzion.toml in DATA.
    """
    if example:
        print("\n".join(example_file(invocation.uid, invocation.environ)))
        return
    settings = invocation.settings()
    values = variables(settings)
    rows = [[each.name, each.shown(values[each.variable]), settings.origins[each.name]] for each in SETTINGS]
    if as_json:
        print_json([dict(zip(("name", "value", "origin"), row, strict=True)) for row in rows])
    else:
        print_table(["SETTING", "VALUE", "FROM"], rows, "")
