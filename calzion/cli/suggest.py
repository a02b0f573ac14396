"""What a shell may complete a word to, as far as the server says it at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from calzion.cli.invocation import Invocation
from calzion.errors import CalzionError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

PATIENCE = 0.2
"""Seconds for the server's answer; a person is waiting at the keyboard."""


def deployments(context: click.Context) -> dict[str, list[str]]:
    """Deployment -> its services; empty where no server answers in time."""
    invocation = context.find_object(Invocation)
    if invocation is None:
        return {}
    try:
        found = invocation.client(PATIENCE).get("/deployments")
        return {str(each["name"]): [str(service) for service in each["services"]] for each in found}
    except (CalzionError, OSError, LookupError, TypeError):
        return {}


def items(values: Iterable[str], incomplete: str) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(value) for value in values if value.startswith(incomplete)]
