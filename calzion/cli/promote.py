"""`calzion promote`."""

from __future__ import annotations

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.preview import status_of
from calzion.cli.release import follow_release
from calzion.cli.target import DeploymentType
from calzion.cli.terminal import print_json
from calzion.controller.forecast import forecast_lines
from calzion.model import DeploymentName


@click.command()
@click.argument("origin", type=DeploymentType(), metavar="FROM")
@click.argument("target", type=DeploymentType(), metavar="TO")
@click.option("--plan", is_flag=True, help="only say what would change")
@click.option("--json", "as_json", is_flag=True, help="with --plan, print JSON")
@connection_options
@pass_invocation
def promote(
    invocation: Invocation, origin: DeploymentName, target: DeploymentName, plan: bool, as_json: bool
) -> int:
    """Roll out in TO what FROM runs: the same definitions and slugs, so that what was tried is what goes live.

    Secrets, generated values, scale and domains are those of TO, which is made where it is missing. Release commands
    run, and the tasks that TO has not done yet. Both belong to one repository.
    """
    if as_json and not plan:
        raise click.UsageError("--json goes with --plan")
    if not plan:
        follow_release(invocation, target, "promote", {"from": str(origin)})
        return 0
    forecast = invocation.client().post(f"/deployments/{target}/promote", {"from": str(origin), "plan": True})
    if as_json:
        print_json(forecast)
    else:
        print("\n".join(forecast_lines(forecast)))
    return status_of(forecast)
