"""`calzion logs`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any
from zlib import crc32

import click

from calzion.cli.follow import events, follow, log_lines, printer
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import Target, TargetType
from calzion.cli.terminal import PREFIX_COLOURS, colourful, painted
from calzion.errors import CalzionError
from calzion.model import DeploymentName

LATEST = "latest"


@click.command()
@click.argument("target", type=TargetType(), metavar="DEPLOYMENT[:SERVICE]")
@click.option("-f", "--follow", "following", is_flag=True, help="go on with what comes")
@click.option(
    "-n", "--lines", type=click.IntRange(0, 10_000), default=100, show_default=True, help="lines of each"
)
@click.option(
    "--release", is_flag=False, flag_value=LATEST, metavar="[vN]", help="the story of a release instead"
)
@connection_options
@pass_invocation
def logs(invocation: Invocation, target: Target, following: bool, lines: int, release: str | None) -> None:
    """Print what the instances of a deployment wrote; with --release, how a release (the latest) went."""
    if release is not None:
        _print_story(invocation, target.deployment, release, following)
        return
    query = f"lines={lines}&follow={int(following)}" + (
        f"&service={target.service}" if target.service else ""
    )
    write = _line_printer(invocation)
    for instance, text in log_lines(invocation.client().stream("GET", f"{target.path}/logs?{query}")):
        write(instance, text)


def _print_story(invocation: Invocation, deployment: DeploymentName, release: str, following: bool) -> None:
    number = _number(invocation, deployment, release)
    path = f"/deployments/{deployment}/releases/{number}/events" + ("?follow=1" if following else "")
    story = events(invocation.client().stream("GET", path))
    show = printer(invocation)
    if following:
        follow(story, show)
        return
    for event in story:
        show(event)


def _number(invocation: Invocation, deployment: DeploymentName, release: str) -> int:
    if match := re.fullmatch(r"v?([0-9]{1,9})", release):
        return int(match[1])
    if release != LATEST:
        raise click.UsageError(
            f"{release!r} is no release: write --release v7, with the deployment before it"
        )
    found: list[dict[str, Any]] = invocation.client().get(f"/deployments/{deployment}/releases")
    if not found:
        raise CalzionError(f"{deployment} has no release yet", code="not_found")
    return int(found[0]["version"])


def _line_printer(invocation: Invocation) -> Callable[[str, str], None]:
    colours = colourful(sys.stdout, invocation.environ)
    width = 0

    def write(instance: str, text: str) -> None:
        nonlocal width
        width = max(width, len(instance))
        prefix = f"{instance.ljust(width)} | "
        if colours:
            prefix = painted(prefix, PREFIX_COLOURS[crc32(instance.encode()) % len(PREFIX_COLOURS)])
        print(prefix + text, flush=True)

    return write
