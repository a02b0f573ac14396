"""`calzion ps`."""

from __future__ import annotations

import time
from typing import Any

import click

from calzion.cli.deployments import version
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import Target, TargetType
from calzion.cli.terminal import age, print_json, print_table, size

KEYS = ("service", "type", "instance", "release", "state", "endpoint")
MORE_KEYS = ("name", "started", "restarts", "memory", "exit")


@click.command()
@click.argument("target", type=TargetType(), metavar="DEPLOYMENT[:SERVICE]")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def ps(invocation: Invocation, target: Target, as_json: bool) -> None:
    """List the instances of a deployment: state, endpoint, age, memory."""
    found: list[dict[str, Any]] = invocation.client().get(f"{target.path}/instances")
    found = [each for each in found if target.service in (None, each["service"])]
    if as_json:
        print_json([{key: each[key] for key in (*KEYS, *MORE_KEYS) if key in each} for each in found])
        return
    header = ["INSTANCE", "RELEASE", "STATE", "ENDPOINT", "UP", "MEMORY", "RESTARTS", "LAST EXIT"]
    print_table(header, [_row(each, time.time()) for each in found], f"{target.deployment}: nothing runs")


def _row(each: dict[str, Any], now: float) -> list[str]:
    started, memory = each.get("started") or 0, each.get("memory") or 0
    return [
        each.get("name") or each["instance"],
        version(each["release"]),
        each["state"],
        each["endpoint"] or "-",
        age(now - started) if started else "-",
        size(memory) if memory else "-",
        str(each.get("restarts", 0)),
        each.get("exit") or "",
    ]
