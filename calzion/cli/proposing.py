"""What a user names to be deployed -> the proposal, for the commands that deploy or plan it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from calzion.cli.client import Client
from calzion.cli.invocation import Invocation
from calzion.cli.proposal import Proposal, propose
from calzion.cli.target import DeploymentType
from calzion.errors import CalzionError
from calzion.model import DeploymentName

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def proposal_options(command: Decorated) -> Decorated:
    """TEMPLATE, DEPLOYMENT, and where the code comes from."""
    for option in (
        click.option(
            "--search-path",
            multiple=True,
            metavar="DIR",
            help="where code is looked for that the repository lacks; may be given more than once",
        ),
        click.option(
            "--working-tree", is_flag=True, help="take the code as it lies here, not as it was committed"
        ),
        click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT"),
        click.argument("template", type=click.Path(path_type=Path), metavar="TEMPLATE"),
    ):
        command = option(command)
    return command


def data_option(command: Decorated) -> Decorated:
    return click.option(
        "--from",
        "data_from",
        type=DeploymentType(),
        metavar="DEPLOYMENT",
        help="begin a new deployment with a copy of the data of this one",
    )(command)


def propose_here(
    invocation: Invocation,
    client: Client,
    template: Path,
    deployment: DeploymentName,
    search_path: tuple[str, ...],
    *,
    as_it_is: bool,
) -> Proposal:
    """Raises CalzionError (template) with every mistake, or where code is missing."""
    if search_path:
        invocation.flags["search-path"] = os.pathsep.join(search_path)
    search = invocation.settings().search_path.directories
    known = _secret_names(client, deployment)
    return propose(template, known, invocation.environ, search, as_it_is=as_it_is)


def _secret_names(client: Client, deployment: DeploymentName) -> frozenset[str]:
    try:
        listed = client.get(f"/deployments/{deployment}/secrets")
    except CalzionError as error:
        if error.code != "not_found":
            raise
        return frozenset()
    return frozenset(str(each["name"]) for each in listed)
