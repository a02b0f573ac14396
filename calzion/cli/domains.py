"""`calzion domains`."""

from __future__ import annotations

import sys
from typing import Any

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.terminal import print_json, print_table
from calzion.errors import CalzionError

_COST = 11
"""Of bcrypt: a tenth of a second of a processor for each try."""

_LONGEST = 72
"""Bytes of a password that bcrypt looks at."""


@click.group()
def domains() -> None:
    """Host names that deployments were given by an infrastructure file."""


@domains.command("list")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def list_domains(invocation: Invocation, as_json: bool) -> None:
    """List the domains, and where each path of them leads."""
    found: list[dict[str, Any]] = invocation.client().get("/domains")
    if as_json:
        print_json(found)
        return
    rows = [row for each in found for row in _rows(each)]
    print_table(["DOMAIN", "LEADS TO", "MANNER"], rows, "no domains: name them in a file for 'calzion apply'")


@domains.command()
def password() -> None:
    """Print the bcrypt hash of a password, for `auth` of a domain.

    The password is read from standard input, or asked for (twice, unseen) at a terminal. It goes nowhere, and no server
    is needed.
    """
    import bcrypt

    given = _password().encode()
    if not given or len(given) > _LONGEST or b"\0" in given:
        raise CalzionError(f"a password has 1 to {_LONGEST} bytes, and no NUL among them", code="usage")
    print(bcrypt.hashpw(given, bcrypt.gensalt(_COST)).decode())


def _rows(domain: dict[str, Any]) -> list[list[str]]:
    manner = [f"passwords of {', '.join(domain['users'])}"] if domain["users"] else []
    manner += ["sticky"] if domain["sticky"] else []
    paths: dict[str, str] = domain["paths"] or {"/": f"redirects to {domain['redirect']}"}
    return [
        [domain["domain"] + path.rstrip("/"), to, "; ".join(manner)] for path, to in sorted(paths.items())
    ]


def _password() -> str:
    if sys.stdin.isatty():
        given: str = click.prompt("password", hide_input=True, confirmation_prompt="once more", err=True)
        return given
    return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
