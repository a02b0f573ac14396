"""`calzion redeploy`."""

from __future__ import annotations

import click

from calzion.cli.follow import events, follow, printer
from calzion.cli.interrupt import cancelling
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import DeploymentType
from calzion.model import DeploymentName
from calzion.progress import Event


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
    client = invocation.client()
    path = f"/deployments/{deployment}"
    stream = client.stream("POST", f"{path}/redeploy", {"rebuild": rebuild, "user": invocation.user})
    show = printer(invocation)
    release: list[int] = []

    def note(event: Event) -> None:
        if "release" in event.detail:
            release.append(int(event.detail["release"]))
        show(event)

    def cancel() -> None:
        client.post(f"{path}/releases/{release[0]}/cancel", {})

    with cancelling(cancel, lambda: bool(release)):
        follow(events(stream), note)
