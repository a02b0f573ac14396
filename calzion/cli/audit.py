"""`calzion audit`: who did what, when, from where and with which key."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlencode

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.terminal import print_json, print_table

_COMMIT = re.compile("^([0-9a-f]{7})[0-9a-f]{33}$")
_MOST = 80
"""Characters of the details that the table shows."""


@click.command()
@click.option("-n", "most", type=click.IntRange(1, 10_000), default=100, show_default=True, help="how many")
@click.option("--deployment", metavar="NAME", help="what was done to one deployment")
@click.option("--user", metavar="NAME", help="what one user did")
@click.option("--verify", is_flag=True, help="look whether the trail is whole, and say where it breaks")
@click.option(
    "--since", "known", metavar="NUMBER:DIGEST", help="with --verify: a head that was noted earlier"
)
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def audit(
    invocation: Invocation,
    most: int,
    deployment: str | None,
    user: str | None,
    verify: bool,
    known: str | None,
    as_json: bool,
) -> int:
    """Show who did what, the newest first: pushes, also refused ones, deploys and how they ended, and every change.

    FROM is an address, KEY the fingerprint of an SSH key or a token's id; 'socket' is a user of this machine. Every
    record holds the digest of the one before it, so that an edit shows: --verify goes along all of them. It prints the
    head, which is worth noting elsewhere: --since compares with it later, for whoever can write to the data directory
    could also write the whole trail anew.
    """
    if verify:
        return _verify(invocation, known, as_json)
    if known:
        raise click.UsageError("--since goes with --verify")
    wanted = {"most": most, "deployment": deployment, "user": user}
    query = urlencode({name: value for name, value in wanted.items() if value})
    found: list[dict[str, Any]] = invocation.client().get(f"/audit?{query}")
    if as_json:
        print_json(found)
    else:
        header = ["NUMBER", "TIME", "USER", "FROM", "KEY", "DEPLOYMENT", "ACT", "OUTCOME", "DETAILS"]
        print_table(header, [_row(each) for each in found], "nothing is recorded yet")
    return 0


def _verify(invocation: Invocation, known: str | None, as_json: bool) -> int:
    query = f"?known={quote(known, safe='')}" if known else ""
    found: dict[str, Any] = invocation.client().get(f"/audit/inspection{query}")
    if as_json:
        print_json(found)
    elif found["whole"]:
        print(_whole(found))
    else:
        print(f"the audit trail breaks at record {found['broken']}: {found['reason']}")
        print(f"       {found['records']} records before it are whole")
    return 0 if found["whole"] else 1


def _whole(found: dict[str, Any]) -> str:
    head = found["head"]
    if head is None:
        return "nothing is recorded yet"
    missing = f"; those before {found['first']} are not here" if found["first"] != 1 else ""
    return f"the audit trail is whole: {found['records']} records{missing}; head {head['number']}:{head['digest']}"


def _row(record: dict[str, Any]) -> list[str]:
    if "damaged" in record:
        return [str(record["number"]), "", "", "", "", "", "damaged", "", record["damaged"][:_MOST]]
    return [
        str(record["number"]),
        record["time"],
        record["user"],
        record["address"] or record["via"],
        record["key"][:19],
        record["deployment"],
        record["act"],
        record["outcome"],
        _details(record["detail"]),
    ]


def _details(detail: dict[str, Any]) -> str:
    pairs = (
        (name, _value(value)) for name, value in detail.items() if value not in ("", [], {}, None, False)
    )
    text = " ".join(f"{name}={value}" for name, value in pairs)
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(_value(each) for each in value)
    if isinstance(value, dict):
        return ",".join(f"{name}:{each}" for name, each in value.items())
    return _COMMIT.sub(r"\1", str(value))
