"""Following a release that a command has the server make; Ctrl-C cancels it until its switch."""

from __future__ import annotations

from typing import Any

from calzion.cli.follow import events, follow, printer
from calzion.cli.interrupt import cancelling
from calzion.cli.invocation import Invocation
from calzion.model import DeploymentName
from calzion.progress import Event


def follow_release(
    invocation: Invocation, deployment: DeploymentName, act: str, body: dict[str, Any]
) -> None:
    """POST the act, and print its events to their end. Raises the CalzionError with which it fails."""
    client = invocation.client()
    path = f"/deployments/{deployment}"
    stream = client.stream("POST", f"{path}/{act}", {**body, "user": invocation.user})
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
