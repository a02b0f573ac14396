"""`calzion ttl`."""

from __future__ import annotations

import time

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import DeploymentType, TtlType
from calzion.cli.terminal import moment
from calzion.lifetime import describe_end
from calzion.model import DeploymentName


@click.command()
@click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT")
@click.argument("ttl", type=TtlType(), metavar="3d|never")
@connection_options
@pass_invocation
def ttl(invocation: Invocation, deployment: DeploymentName, ttl: str) -> None:
    """Have a deployment remove itself after a time, counted from now: with its volumes, releases and branch.

    The time is given in minutes, hours, days or weeks (90m, 12h, 3d, 2w), from a minute to a year; 'never' takes it
    back. 'calzion list' shows what is left.
    """
    answer = invocation.client().put(f"/deployments/{deployment}/ttl", {"ttl": ttl})
    expires = moment(answer["expires"] or "")
    end = describe_end(expires, time.time()) if expires is not None else "stays until it is destroyed"
    print(f"{deployment} {end}")
