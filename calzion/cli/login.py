"""`calzion login` and `calzion logout`: which server commands talk to, where that is another machine's."""

from __future__ import annotations

import sys
from typing import Any

import click

from calzion.cli.invocation import Invocation, pass_invocation

_LONGEST = 1000


@click.command()
@click.argument("url", metavar="URL", help="such as https://calzion.example.com")
@click.option(
    "--insecure", is_flag=True, help="send the token unencrypted, where everybody on the way can read it"
)
@pass_invocation
def login(invocation: Invocation, url: str, insecure: bool) -> None:
    """Have commands talk to the server at URL from now on, with a token of its 'calzion tokens add'.

    The token is read from standard input, or asked for (unseen) at a terminal; never from the command line, where
    others could see it. It is tried, and kept for you alone (mode 0600). It is sent over https, or to this machine
    itself; otherwise only with --insecure.

    With --data, CALZION_DATA, --config or CALZION_CONFIG a command talks to this machine's server as before.
    """
    from calzion.cli.client import Client
    from calzion.cli.credentials import save
    from calzion.cli.remote import Remote

    Remote.parse(url, "token", insecure=insecure)
    remote = Remote.parse(url, _read_token(), insecure=insecure)
    known: dict[str, Any] = Client(remote).get("/token")
    save(remote, invocation.environ)
    where = ", ".join(known["allow"]) or "everything"
    print(f"logged in at {remote.url} as {known['user']}: {known['scope']} on {where}")


@click.command()
@pass_invocation
def logout(invocation: Invocation) -> None:
    """Forget the server and the token of 'calzion login'; the token itself stays valid on the server."""
    from calzion.cli.credentials import forget

    print("logged out" if forget(invocation.environ) else "you were not logged in")


def _read_token() -> str:
    if sys.stdin.isatty():
        token: str = click.prompt("token", hide_input=True, err=True)
        return token.strip()
    return sys.stdin.read(_LONGEST).strip()
