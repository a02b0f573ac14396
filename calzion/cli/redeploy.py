"""`calzion redeploy`."""

from __future__ import annotations

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.release import follow_release
from calzion.cli.target import DeploymentType
from calzion.model import DeploymentName


@click.command()
@click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT")
@click.option("--rebuild", is_flag=True, help="build the code again, though what was built is there")
@connection_options
@pass_invocation
def redeploy(invocation: Invocation, deployment: DeploymentName, rebuild: bool) -> None:
    """Roll out what a deployment has once more, with its secrets and generated values as they are now.

    This takes the definitions and the code of the current release; where none serves, those of the latest one that
    failed. Services for which nothing has changed are not restarted. Code is built again where what was built is
    gone, or with --rebuild.
    """
    follow_release(invocation, deployment, "redeploy", {"rebuild": rebuild})
