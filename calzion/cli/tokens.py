"""`calzion tokens`: who may use the API from elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any
from urllib.parse import quote

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import TtlType
from calzion.cli.terminal import ago, print_json, print_table


@click.group()
def tokens() -> None:
    """Who may use the API from elsewhere, and for how long."""


@tokens.command("add")
@click.argument("user", metavar="USER", help="whom changes are recorded for")
@click.option(
    "--scope",
    type=click.Choice(["read", "deploy", "admin"]),
    default="read",
    show_default=True,
    help="look; also change; also keys, tokens, registries and every deployment",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="PATTERN",
    help="a deployment, or a prefix such as 'myapp-*'; '*' is every one; repeatable",
)
@click.option(
    "--expires",
    type=TtlType(),
    default="90d",
    show_default=True,
    metavar="SPAN",
    help="such as 12h, 30d or 52w; or 'never'",
)
@connection_options
@pass_invocation
def add(invocation: Invocation, user: str, scope: str, allow: tuple[str, ...], expires: str) -> None:
    """Make a token, and print it: this once, for only a digest of it is kept.

    It is for the deployments that --allow names; the scope admin is for all of them, and takes no --allow. With the
    first token the API's address (the setting 'api') opens; with the last one it closes.
    """
    body = {"user": user, "scope": scope, "allow": list(allow), "ttl": expires}
    added: dict[str, Any] = invocation.client().post("/tokens", body)
    print(f"       {user}: {_reach(added)}, {_end(added)}; id {added['id']}", file=sys.stderr)
    if added["problem"]:
        print(f" !     {added['problem']}", file=sys.stderr)
    print(added["token"])


@tokens.command("list")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def list_tokens(invocation: Invocation, as_json: bool) -> None:
    """List the tokens, without what proves them."""
    found: list[dict[str, Any]] = invocation.client().get("/tokens")
    if as_json:
        print_json(found)
        return
    rows = [
        [each["id"], each["user"], _reach(each), ago(each["created"], time.time()), _end(each)]
        for each in found
    ]
    print_table(["ID", "USER", "MAY", "ADDED", "ENDS"], rows, "no tokens: 'calzion tokens add USER'")


@tokens.command("remove")
@click.argument("which", metavar="USER|ID", help="a token's id, or whom it is for")
@connection_options
@pass_invocation
def remove(invocation: Invocation, which: str) -> None:
    """Take away one token by its id, or every token of a user; what they have open is cut off."""
    answer: dict[str, Any] = invocation.client().delete(f"/tokens/{quote(which, safe='')}")
    for removed in answer["removed"]:
        print(f"removed: {removed['user']} {removed['id']}")


def _reach(token: dict[str, Any]) -> str:
    return f"{token['scope']} on {', '.join(token['allow']) or 'everything'}"


def _end(token: dict[str, Any]) -> str:
    return f"until {token['expires']}" if token["expires"] else "without an end"
