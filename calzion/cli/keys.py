"""`calzion keys`: who may push."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.publickey import find_key, read_key
from calzion.cli.terminal import ago, print_json, print_table


@click.group()
def keys() -> None:
    """Who may push: users' SSH keys."""


@keys.command("add")
@click.argument("name")
@click.argument("file", required=False, metavar="[FILE|-]")
@click.option(
    "--allow",
    multiple=True,
    metavar="PATTERN",
    help="a deployment, a prefix such as 'myapp-*', or '*' for every one; repeatable",
)
@click.option(
    "--repository",
    "repositories",
    multiple=True,
    metavar="NAME",
    help="a repository of others that it may push to and read from the first; repeatable",
)
@click.option("--admin", is_flag=True, help="may also do what administrators do")
@connection_options
@pass_invocation
def add(
    invocation: Invocation,
    name: str,
    file: str | None,
    allow: tuple[str, ...],
    repositories: tuple[str, ...],
    admin: bool,
) -> None:
    """Let the user NAME push with the public key in FILE ('-' is standard input).

    Without FILE it is your own key from ~/.ssh. It may push to the deployments that --allow names, and read the
    repositories that those are pushed from; nothing else. A repository that nobody has pushed to yet is its own with
    the first push; one whose deployments are all others' needs --repository.
    """
    if not allow:
        raise click.UsageError(
            f"say what {name} may push to: --allow 'myapp-*' for some deployments, --allow '*' for every one"
        )
    key = read_key(file) if file else find_key(invocation.environ.get("HOME", "/"))
    body = {
        "name": name,
        "key": key,
        "allow": list(allow),
        "repositories": list(repositories),
        "admin": admin,
    }
    added: dict[str, Any] = invocation.client().post("/keys", body)
    print(f"{added['name']} may push to {_reach(added)}: {added['fingerprint']} ({added['type']})")


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def list_keys(invocation: Invocation, as_json: bool) -> None:
    """List the keys and what they may push to."""
    found: list[dict[str, Any]] = invocation.client().get("/keys")
    if as_json:
        print_json(found)
        return
    rows = [
        [key["name"], key["type"], key["fingerprint"], _reach(key), ago(key["added"], time.time())]
        for key in found
    ]
    print_table(
        ["NAME", "TYPE", "FINGERPRINT", "MAY PUSH TO", "ADDED"],
        rows,
        "no keys: 'calzion keys add NAME --allow PATTERN'",
    )


@keys.command("remove")
@click.argument("which", metavar="NAME|FINGERPRINT")
@connection_options
@pass_invocation
def remove(invocation: Invocation, which: str) -> None:
    """Take away one key by its fingerprint, or every key of a user."""
    answer: dict[str, Any] = invocation.client().delete(f"/keys/{quote(which, safe='')}")
    for removed in answer["removed"]:
        print(f"removed: {_described(removed)}")


def _reach(key: dict[str, Any]) -> str:
    allow = key["allow"]
    reach = "every deployment" if "*" in allow else ", ".join(allow) or "no deployment"
    if key.get("repositories"):
        reach += f" of {', '.join(key['repositories'])}"
    return f"{reach} (admin)" if key.get("admin") else reach


def _described(removed: object) -> str:
    if isinstance(removed, dict):
        return f"{removed.get('name', '')} {removed.get('fingerprint', '')}".strip()
    return str(removed)
