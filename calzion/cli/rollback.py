"""`calzion rollback`."""

from __future__ import annotations

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.release import follow_release
from calzion.cli.target import DeploymentType, ReleaseType
from calzion.model import DeploymentName


@click.command()
@click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT")
@click.argument("release", type=ReleaseType(), required=False, metavar="[vN]")
@connection_options
@pass_invocation
def rollback(invocation: Invocation, deployment: DeploymentName, release: int | None) -> None:
    """Go back to an earlier release: its code, configuration and secrets, as a release of its own.

    Without vN it is the last successful release before the current one, and after a rollback the one before the release
    that was gone back to: each rollback goes a step further back. Nothing is built, and neither release commands
    nor tasks run; traffic switches as for any release. What changed in databases and volumes stays, as do scale and
    domains. 'calzion releases' shows which releases can be gone back to.
    """
    follow_release(invocation, deployment, "rollback", {"release": release} if release else {})
