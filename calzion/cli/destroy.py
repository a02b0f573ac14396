"""`calzion destroy`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from calzion.cli.follow import events, follow, printer
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.problem import problem_lines
from calzion.cli.target import DeploymentType
from calzion.errors import CalzionError
from calzion.model import DeploymentName
from calzion.progress import Event


@click.command()
@click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT")
@click.option("--yes", is_flag=True, help="do not ask")
@connection_options
@pass_invocation
def destroy(invocation: Invocation, deployment: DeploymentName, yes: bool) -> None:
    """Remove a deployment with its volumes, releases and branch. This can't be undone."""
    if not yes:
        _ask(invocation, deployment)
    follow(_destroy(invocation, deployment, f"?confirm={deployment}"), printer(invocation))


def _destroy(invocation: Invocation, deployment: DeploymentName, query: str) -> Iterator[Event]:
    return events(invocation.client().stream("DELETE", f"/deployments/{deployment}{query}"))


def _ask(invocation: Invocation, deployment: DeploymentName) -> None:
    """Show what would be lost, which the refusal of an unconfirmed call tells, and have the name typed."""
    try:
        follow(_destroy(invocation, deployment, ""), lambda _: None)
    except CalzionError as refusal:
        if refusal.code != "refused" or not sys.stdin.isatty():
            raise _with_hint(refusal, deployment) from None
        lost = CalzionError(refusal.message, code=refusal.code, detail=refusal.detail)
    for line in problem_lines(lost):
        print(line, file=sys.stderr)
    if click.prompt("Type its name to destroy it", default="", show_default=False, err=True) != deployment:
        raise CalzionError("nothing was destroyed: that was not its name", code="refused")


def _with_hint(refusal: CalzionError, deployment: DeploymentName) -> CalzionError:
    if refusal.code != "refused":
        return refusal
    hint = f"to destroy it all the same: calzion destroy {deployment} --yes"
    return CalzionError(refusal.message, code=refusal.code, detail=refusal.detail, hint=hint)
