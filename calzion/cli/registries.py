"""`calzion registries`: credentials for the registries that private images come from."""

from __future__ import annotations

import sys
import time
from typing import Any
from urllib.parse import quote

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.terminal import ago, print_json, print_table

_MOST = 1 << 16  # bytes of standard input


@click.group()
def registries() -> None:
    """Where private images come from: registries' credentials."""


@registries.command("add")
@click.argument("host", metavar="HOST")
@click.option("--user", metavar="NAME", help="whom the registry knows; asked for where it is missing")
@connection_options
@pass_invocation
def add(invocation: Invocation, host: str, user: str | None) -> None:
    """Set the credentials with which images of the registry HOST are pulled from now on.

    The password, or a token, is read from standard input, or asked for (unseen) at a terminal; never from the command
    line, where others could see it. It is kept encrypted, and never shown again. docker.io is Docker Hub.
    """
    if user is None:
        if not sys.stdin.isatty():
            raise click.UsageError("give --user NAME: standard input is the password")
        user = click.prompt("user", err=True)
    body = {"user": user, "password": _read_password(host, str(user))}
    added: dict[str, Any] = invocation.client().put(_path(host), body)
    print(f"images of {added['host']} are pulled as {added['user']}")


@registries.command("list")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def list_registries(invocation: Invocation, as_json: bool) -> None:
    """List the registries for which credentials are set, and whose they are."""
    found: list[dict[str, Any]] = invocation.client().get("/registries")
    if as_json:
        print_json(found)
        return
    rows = [[each["host"], each["user"], ago(each["changed"], time.time())] for each in found]
    print_table(["REGISTRY", "USER", "CHANGED"], rows, "no credentials: 'calzion registries add HOST'")


@registries.command("remove")
@click.argument("host", metavar="HOST")
@connection_options
@pass_invocation
def remove(invocation: Invocation, host: str) -> None:
    """Forget the credentials for a registry. What was pulled with them stays."""
    removed: dict[str, Any] = invocation.client().delete(_path(host))
    print(f"removed: the credentials for {removed['host']}")


def _path(host: str) -> str:
    return f"/registries/{quote(quote(host, safe=''), safe='')}"


def _read_password(host: str, user: str) -> str:
    if sys.stdin.isatty():
        typed: str = click.prompt(f"password of {user} at {host}", hide_input=True, err=True)
        return typed
    text = sys.stdin.buffer.read(_MOST).decode("utf-8", "replace")
    return text.removesuffix("\n").removesuffix("\r")
