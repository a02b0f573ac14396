"""What a deploy would do, asked of the server and shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calzion.cli.client import Client
from calzion.cli.proposal import Proposal, template_sections
from calzion.controller.described import codes_data
from calzion.controller.forecast import forecast_lines
from calzion.errors import WOULD_CHANGE
from calzion.model import DeploymentName
from calzion.packing.description import describe
from calzion.progress import DONE, LOG, STEP, Event
from calzion.template import as_keys


def preview(
    client: Client, deployment: DeploymentName, proposal: Proposal, data_from: DeploymentName | None = None
) -> dict[str, Any]:
    """The forecast as JSON data, of a deployment that is to begin with the data of `data_from`. The code is described,
    and stays here."""
    codes = codes_data((code.services, describe(code.files, code.commit)) for code in proposal.codes)
    services = {service.name: as_keys(service) for service in proposal.template.services}
    body = {**template_sections(proposal.template), "services": services, "codes": codes}
    if data_from:
        body["from"] = data_from
    found: dict[str, Any] = client.post(f"/deployments/{deployment}/plan", body)
    return found


def show_preview(forecast: dict[str, Any], proposal: Proposal, show: Callable[[Event], None]) -> int:
    """Returns the exit status."""
    what = proposal.commit[:7] or "what lies here"
    show(Event(kind=STEP, text=f"{forecast['deployment']}: plan of {what}"))
    for line in forecast_lines(forecast):
        show(Event(kind=LOG, text=line))
    changes = "plan only: nothing was changed" if forecast["changes"] else "nothing would change"
    show(Event(kind=DONE, text=changes))
    return status_of(forecast)


def status_of(forecast: dict[str, Any]) -> int:
    return WOULD_CHANGE if forecast["changes"] else 0
