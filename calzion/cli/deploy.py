"""`calzion deploy`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from calzion.cli.client import Client
from calzion.cli.follow import events, follow, printer
from calzion.cli.interrupt import cancelled, cancelling
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.meter import metered
from calzion.cli.preview import preview, show_preview
from calzion.cli.proposal import Code, Proposal, template_sections
from calzion.cli.proposing import data_option, proposal_options, propose_here
from calzion.cli.target import TtlType
from calzion.errors import CalzionError
from calzion.model import DeploymentName
from calzion.packing.archive import archive
from calzion.template import as_keys


@click.command()
@proposal_options
@click.option(
    "--plan", is_flag=True, help="say what would change, as 'calzion plan' does, and change nothing"
)
@data_option
@click.option("--ttl", type=TtlType(), metavar="3d", help="have the deployment remove itself after this time")
@connection_options
@pass_invocation
def deploy(
    invocation: Invocation,
    template: Path,
    deployment: DeploymentName,
    working_tree: bool,
    search_path: tuple[str, ...],
    plan: bool,
    data_from: DeploymentName | None,
    ttl: str | None,
) -> int:
    """Roll out every service of TEMPLATE as DEPLOYMENT, without a push.

    The code of 'git:' services is packed from HEAD and uploaded: '.' and 'api' are directories of the template's
    repository, '../api' one elsewhere, relative to the template. A directory that the repository lacks is looked for
    in those of --search-path. The template itself is read as it is here. Ctrl-C before the switch cancels, and
    nothing has changed.
    """
    client = invocation.client()
    show = printer(invocation)
    proposal = propose_here(invocation, client, template, deployment, search_path, as_it_is=working_tree)
    for note in proposal.notes:
        show(note)
    if plan:
        return show_preview(preview(client, deployment, proposal, data_from), proposal, show)
    terms = {name: value for name, value in (("from", data_from), ("ttl", ttl)) if value is not None}
    release = _open(client, deployment, {"user": invocation.user, "commit": proposal.commit, **terms})
    _fill(client, release, proposal)
    with cancelling(lambda: client.post(f"{release}/cancel", {})):
        follow(events(client.stream("POST", f"{release}/activate")), show)
    return 0


def _open(client: Client, deployment: DeploymentName, terms: dict[str, str]) -> str:
    client.put(f"/deployments/{deployment}", {})
    opened = client.post(f"/deployments/{deployment}/releases", terms)
    return f"/deployments/{deployment}/releases/{opened['version']}"


def _fill(client: Client, release: str, proposal: Proposal) -> None:
    """Give the release its services, and the code of those for which the server asks."""
    try:
        client.put(f"{release}/environment", template_sections(proposal.template))
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
