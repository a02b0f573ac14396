"""`calzion doctor`."""

from __future__ import annotations

from dataclasses import asdict

import click

from calzion.cli.invocation import Invocation, pass_invocation, settings_options
from calzion.cli.terminal import print_json, print_table


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@settings_options
@pass_invocation
def doctor(invocation: Invocation, as_json: bool) -> int:
    """Say what this machine can do, what is missing, and how to get it. Exits 1 where something needed is missing."""
    from calzion.diagnosis import diagnose

    findings = diagnose(invocation.settings().layout, invocation.environ)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        marks = {True: "ok", False: "!"}
        rows = [[each.name, marks[each.ok], each.found, each.advice] for each in findings]
        print_table(["NAME", "", "FOUND", "HOW TO GET IT"], rows, "")
    return 1 if any(each.needed and not each.ok for each in findings) else 0
