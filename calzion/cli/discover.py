"""`calzion discover`."""

from __future__ import annotations

import json
from typing import Any

import click

from calzion.cli.client import lost
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import Target, TargetType
from calzion.cli.terminal import print_json, print_table

Row = dict[str, Any]


@click.command()
@click.argument("target", type=TargetType(), metavar="DEPLOYMENT[:SERVICE]")
@click.option("--watch", "-w", is_flag=True, help="go on, and print every change")
@click.option(
    "--json", "as_json", is_flag=True, help="print JSON; with --watch an object a line for each change"
)
@connection_options
@pass_invocation
def discover(invocation: Invocation, target: Target, watch: bool, as_json: bool) -> None:
    """List the instances that others can reach: what is registered right now."""
    path = f"{target.path}/endpoints" + (f"?service={target.service}" if target.service else "")
    if watch:
        _watch(invocation, path, as_json)
        return
    found: list[Row] = invocation.client().get(path)
    if as_json:
        print_json(found)
    else:
        rows = [
            [each["service"], each["port_name"] or "-", _address(each), each["instance"], _role(each)]
            for each in found
        ]
        print_table(["SERVICE", "PORT", "ADDRESS", "INSTANCE", ""], rows, f"{target}: nothing is registered")


def _watch(invocation: Invocation, path: str, as_json: bool) -> None:
    """Raises CalzionError where the stream ends: it has no end of its own."""
    known: dict[tuple[str, ...], Row] = {}
    for message in invocation.client().stream("GET", path):
        there = {_key(each): each for each in json.loads(message.data)}
        for key, each in there.items():
            if known.get(key, {}).get("created") != each["created"]:
                _tell("+", each, as_json)
        for key, each in known.items():
            if key not in there:
                _tell("-", each, as_json)
        known = there
    raise lost()


def _tell(sign: str, each: Row, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"present": sign == "+", **each}), flush=True)
        return
    port = f" {each['port_name']}" if each["port_name"] else ""
    print(f"{sign} {each['service']}{port} {_address(each)} {each['instance']}", flush=True)


def _key(each: Row) -> tuple[str, ...]:
    return (each["service"], each["port_name"], each["instance"], _address(each))


def _address(each: Row) -> str:
    host = f"[{each['host']}]" if ":" in each["host"] else each["host"]
    return f"{host}:{each['port']}"


def _role(each: Row) -> str:
    return "leader" if each["leader"] else ""
