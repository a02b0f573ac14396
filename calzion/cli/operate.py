"""`calzion restart` and `calzion scale`."""

from __future__ import annotations

import click

from calzion.cli.follow import events, follow, printer
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import Count, CountType, DeploymentType, Target, TargetType
from calzion.model import DeploymentName


@click.command()
@click.argument("target", type=TargetType(), metavar="DEPLOYMENT[:SERVICE]")
@connection_options
@pass_invocation
def restart(invocation: Invocation, target: Target) -> None:
    """Start the instances anew: new ones must be healthy before the old ones end."""
    stream = invocation.client().stream("POST", f"{target.path}/restart", {"service": target.service})
    follow(events(stream), printer(invocation))


@click.command()
@click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT")
@click.argument("counts", type=CountType(), nargs=-1, required=True, metavar="SERVICE[.TYPE]=N...")
@connection_options
@pass_invocation
def scale(invocation: Invocation, deployment: DeploymentName, counts: tuple[Count, ...]) -> None:
    """Set how many instances run of a service's web process, or of another process type."""
    wanted = {count.unit: count.number for count in counts}
    if len(wanted) != len(counts):
        raise click.UsageError("the same service and process type is given twice")
    stream = invocation.client().stream("POST", f"/deployments/{deployment}/scale", {"counts": wanted})
    follow(events(stream), printer(invocation))
