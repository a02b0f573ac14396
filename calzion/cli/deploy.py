"""`calzion deploy`."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from calzion.cli.client import Client
from calzion.cli.follow import events, follow, printer
from calzion.cli.interrupt import cancelled, cancelling
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.meter import metered
from calzion.cli.proposal import Code, Proposal, propose
from calzion.cli.target import DeploymentType
from calzion.errors import CalzionError
from calzion.model import DeploymentName, Task, Template
from calzion.packing.archive import archive
from calzion.template import as_keys


@click.command()
@click.argument("template", type=click.Path(path_type=Path), metavar="TEMPLATE")
@click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT")
@click.option("--working-tree", is_flag=True, help="take the code as it lies here, not as it was committed")
@click.option(
    "--search-path",
    multiple=True,
    metavar="DIR",
    help="where code is looked for that the repository lacks; may be given more than once",
)
@connection_options
@pass_invocation
def deploy(
    invocation: Invocation,
    template: Path,
    deployment: DeploymentName,
    working_tree: bool,
    search_path: tuple[str, ...],
) -> None:
    """Roll out every service of TEMPLATE as DEPLOYMENT, without a push.

    The code of 'git:' services is packed from HEAD and uploaded: '.' and 'api' are directories of the template's
    repository, '../api' one elsewhere, relative to the template. A directory that the repository lacks is looked for
    in those of --search-path. The template itself is read as it is here. Ctrl-C before the switch cancels, and
    nothing has changed.
    """
    if search_path:
        invocation.flags["search-path"] = os.pathsep.join(search_path)
    client = invocation.client()
    show = printer(invocation)
    search = invocation.settings().search_path.directories
    known = _secret_names(client, deployment)
    proposal = propose(template, known, invocation.environ, search, as_it_is=working_tree)
    for note in proposal.notes:
        show(note)
    release = _open(client, deployment, proposal, invocation.user)
    _fill(client, release, proposal)
    with cancelling(lambda: client.post(f"{release}/cancel", {})):
        follow(events(client.stream("POST", f"{release}/activate")), show)


def _secret_names(client: Client, deployment: DeploymentName) -> frozenset[str]:
    try:
        listed = client.get(f"/deployments/{deployment}/secrets")
    except CalzionError as error:
        if error.code != "not_found":
            raise
        return frozenset()
    return frozenset(str(each["name"]) for each in listed)


def _open(client: Client, deployment: DeploymentName, proposal: Proposal, user: str) -> str:
    client.put(f"/deployments/{deployment}", {})
    opened = client.post(f"/deployments/{deployment}/releases", {"user": user, "commit": proposal.commit})
    return f"/deployments/{deployment}/releases/{opened['version']}"


def _fill(client: Client, release: str, proposal: Proposal) -> None:
    """Give the release its services, and the code of those for which the server asks."""
    try:
        client.put(f"{release}/environment", _sections(proposal.template))
        wanted = {
            service.name
            for service in proposal.template.services
            if client.put(f"{release}/services/{service.name}", as_keys(service)).get("code") == "wanted"
        }
        for code in proposal.codes:
            if wanted.intersection(code.services):
                _upload(client, release, code)
    except BaseException as error:
        with suppress(CalzionError):
            client.post(f"{release}/cancel", {})
        if isinstance(error, KeyboardInterrupt):
            raise cancelled() from None
        raise


def _upload(client: Client, release: str, code: Code) -> None:
    first, *others = code.services
    query = f"?commit={code.commit}" if code.commit else ""
    client.upload(f"{release}/services/{first}/code{query}", metered(first, archive(code.files)))
    for other in others:
        client.put(f"{release}/services/{other}/code", {"same_as": first})


def _sections(template: Template) -> dict[str, Any]:
    return {
        "env": dict(template.env),
        "generate": {rule.name: rule.length for rule in template.generate},
        "run": {task.name: _task(task) for task in template.tasks},
    }


def _task(task: Task) -> dict[str, Any]:
    command = list(task.cmd) if isinstance(task.cmd, tuple) else task.cmd
    return {"service": task.service, "cmd": command, "require": list(task.require)}
