"""`calzion logs`."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from zlib import crc32

import click

from calzion.cli.follow import LogLine, events, follow, log_lines, printer
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import Target, TargetType
from calzion.cli.terminal import DIM, PREFIX_COLOURS, clock, colourful, painted
from calzion.errors import CalzionError
from calzion.model import DeploymentName
from calzion.progress import InSight

LATEST = "latest"
MOST = 10_000


class SinceType(click.ParamType[float]):
    name = "since"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """A span back from now (90s, 10m, 2h, 1d), or a time in ISO 8601, local where it has no zone."""
        if match := re.fullmatch(r"([0-9]{1,9})([smhd])", str(value)):
            return time.time() - int(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]
        try:
            return datetime.fromisoformat(str(value)).astimezone().timestamp()
        except (ValueError, OverflowError):
            self.fail(f"{value!r}: write a span such as 10m, or a time such as 2026-01-31T12:00", param, ctx)


@click.command()
@click.argument("target", type=TargetType(), metavar="DEPLOYMENT[:SERVICE]")
@click.option("-f", "--follow", "following", is_flag=True, help="go on with what comes")
@click.option(
    "-n", "--lines", type=click.IntRange(0, MOST), help="lines of each instance  [100; all with --since]"
)
@click.option(
    "--since", type=SinceType(), metavar="TIME", help="from then on: 10m, 2h, or a time in ISO 8601"
)
@click.option("--no-times", is_flag=True, help="without times")
@click.option("--json", "as_json", is_flag=True, help="print a JSON object a line")
@click.option(
    "--release", is_flag=False, flag_value=LATEST, metavar="[vN]", help="the story of a release instead"
)
@connection_options
@pass_invocation
def logs(
    invocation: Invocation,
    target: Target,
    following: bool,
    lines: int | None,
    since: float | None,
    no_times: bool,
    as_json: bool,
    release: str | None,
) -> None:
    """Print what the instances of a deployment wrote; with --release, how a release (the latest) went.

    Lines of all instances come in the order of their times, which are right to some 0.05 s.
    """
    if release is not None:
        _print_story(invocation, target.deployment, release, following)
        return
    wanted = {
        "lines": lines if lines is not None else MOST if since is not None else 100,
        "follow": int(following),
        **({"since": f"{since:.3f}"} if since is not None else {}),
        **({"service": target.service} if target.service else {}),
    }
    stream = invocation.client().stream("GET", f"{target.path}/logs?{urlencode(wanted)}")
    write = _print_object if as_json else _line_printer(invocation, times=not no_times)
    for line in log_lines(stream):
        write(line)


def _print_story(invocation: Invocation, deployment: DeploymentName, release: str, following: bool) -> None:
    number = _number(invocation, deployment, release)
    path = f"/deployments/{deployment}/releases/{number}/events" + ("?follow=1" if following else "")
    story = events(invocation.client().stream("GET", path))
    show = printer(invocation)
    if following:
        follow(story, show)
        return
    for event in map(InSight().see, story):
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


def _print_object(line: LogLine) -> None:
    service, _, _ = line.instance.partition(".")
    moment = datetime.fromtimestamp(line.time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = {"time": moment, "service": service, "instance": line.instance, "text": line.text}
    print(json.dumps(data, ensure_ascii=False), flush=True)


def _line_printer(invocation: Invocation, *, times: bool) -> Callable[[LogLine], None]:
    colours = colourful(sys.stdout, invocation.environ)
    width = 0

    def paint(text: str, colour: str) -> str:
        return painted(text, colour) if colours else text

    def write(line: LogLine) -> None:
        nonlocal width
        width = max(width, len(line.instance))
        moment = paint(f"{clock(line.time)} ", DIM) if times else ""
        service = line.instance.partition(".")[0]
        colour = PREFIX_COLOURS[crc32(service.encode()) % len(PREFIX_COLOURS)]
        print(moment + paint(f"{line.instance.ljust(width)} | ", colour) + line.text, flush=True)

    return write
