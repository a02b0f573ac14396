"""`calzion plan`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from calzion.cli.follow import printer
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.preview import preview, show_preview, status_of
from calzion.cli.proposing import data_option, proposal_options, propose_here
from calzion.cli.terminal import print_json
from calzion.model import DeploymentName


@click.command()
@proposal_options
@data_option
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def plan(
    invocation: Invocation,
    template: Path,
    deployment: DeploymentName,
    working_tree: bool,
    search_path: tuple[str, ...],
    data_from: DeploymentName | None,
    as_json: bool,
) -> int:
    """Say what a deploy of TEMPLATE as DEPLOYMENT would do, and change nothing.

    Each service is unchanged, changed (with the keys, the variables by name, and the code from commit to commit),
    added, removed (its volumes are kept), or held (with the reason); then come the tasks that would run. The code
    stays here: the server is told what it is and not given it. The deployment need not exist yet. 'git push -o plan'
    says the same of a push.
    """
    client = invocation.client()
    proposal = propose_here(invocation, client, template, deployment, search_path, as_it_is=working_tree)
    show = printer(invocation, sys.stderr if as_json else sys.stdout)
    for note in proposal.notes:
        show(note)
    forecast = preview(client, deployment, proposal, data_from)
    if as_json:
        print_json(forecast)
        return status_of(forecast)
    return show_preview(forecast, proposal, show)
