"""`calzion secrets`: values that templates name and nobody sees."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from calzion.cli.dotenv import parse_dotenv
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import DeploymentType
from calzion.cli.terminal import ago, print_json, print_table
from calzion.errors import CalzionError
from calzion.model import DeploymentName

MOST_BYTES = 1 << 20


@click.group()
def secrets() -> None:
    """Values that a template's env names as ${NAME}, kept encrypted."""


@secrets.command("set")
@click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT")
@click.argument(
    "name", required=False, metavar="[NAME]", help="the name that templates use, such as SECRET_KEY"
)
@click.option(
    "--from", "source", metavar="FILE|-", help="set all NAME=VALUE lines of a file ('-' is standard input)"
)
@connection_options
@pass_invocation
def set_secrets(
    invocation: Invocation, deployment: DeploymentName, name: str | None, source: str | None
) -> None:
    """Set the secret NAME of a deployment, or all of a file.

    The value is read from standard input, or asked for (twice, unseen) at a terminal; never from the command line,
    where others could see it. One newline at its end is left out. A value is UTF-8 without NUL bytes, at most 128,000
    bytes. The deployment need not exist yet. A value is used from the next release on.
    """
    if (name is None) == (source is None):
        raise click.UsageError("give a NAME, or a file with --from")
    path = f"/deployments/{deployment}/secrets"
    if source is not None:
        values = parse_dotenv(_text(_read_file(source)))
        if not values:
            raise click.UsageError(f"{source} holds no NAME=VALUE")
        _tell("set", invocation.client().put(path, {"secrets": values}))
        return
    assert name is not None
    _refuse_value(deployment, name)
    _tell("set", invocation.client().put(f"{path}/{name}", {"value": _read_value(name)}))


@secrets.command("list")
@click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def list_secrets(invocation: Invocation, deployment: DeploymentName, as_json: bool) -> None:
    """List the names of a deployment's secrets, when each changed, and which services' env names it."""
    found: list[dict[str, Any]] = invocation.client().get(f"/deployments/{deployment}/secrets")
    if as_json:
        print_json(found)
        return
    rows = [
        [each["name"], ago(each["changed"], time.time()), ", ".join(each["services"]) or "-"]
        for each in found
    ]
    print_table(["NAME", "CHANGED", "USED BY"], rows, f"{deployment} has no secrets")


@secrets.command("remove")
@click.argument("deployment", type=DeploymentType(), metavar="DEPLOYMENT")
@click.argument("name", metavar="NAME", help="the name of a secret")
@connection_options
@pass_invocation
def remove(invocation: Invocation, deployment: DeploymentName, name: str) -> None:
    """Remove a secret. A release that needs it can't be made any more; the current one goes on."""
    _refuse_value(deployment, name)
    _tell("removed", invocation.client().delete(f"/deployments/{deployment}/secrets/{name}"))


@secrets.command("rotate-key")
@connection_options
@pass_invocation
def rotate_key(invocation: Invocation) -> None:
    """Encrypt everything with a new key: secrets, generated values, registries' passwords.

    Nothing is restarted. The old key opens nothing of the store any more; it does open copies of the store from before,
    so where it may be known to others, change the secrets themselves too.
    """
    count = invocation.client().post("/secret-key/rotation", {})["values"]
    print(f"{count} values are encrypted with a new key; back up DATA/secret.key with the store")


def _refuse_value(deployment: DeploymentName, name: str) -> None:
    word, equals, _ = name.partition("=")
    if equals:
        raise click.UsageError(
            "a secret's value does not belong on the command line, where others can see it:\n"
            f"calzion secrets set {deployment} {word} asks for it, or reads it from standard input"
        )
    if not name.isidentifier() or not name.isascii():
        raise click.UsageError(f"{name!a} can't be the name of a secret: use letters, digits and '_'")


def _read_value(name: str) -> str:
    if sys.stdin.isatty():
        value: str = click.prompt(
            f"value of {name}", hide_input=True, confirmation_prompt="once more", err=True
        )
        return value
    text = _text(sys.stdin.buffer.read(MOST_BYTES + 1))
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def _read_file(source: str) -> bytes:
    try:
        with click.open_file(source, "rb") as file:
            data: bytes = file.read(MOST_BYTES + 1)
            return data
    except OSError as error:
        raise click.UsageError(f"{source} can't be read: {error.strerror}") from error


def _text(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise click.UsageError(f"this is longer than {MOST_BYTES} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise CalzionError(
            "the value is no UTF-8", hint="encode binary data, as base64", code="usage"
        ) from error


def _tell(what: str, answer: dict[str, Any]) -> None:
    print(f"{what}: {', '.join(answer['names'])} of {answer['deployment']}")
    if answer["release"] is not None:
        again = f"for the next release: calzion redeploy {answer['deployment']}"
        print(f"       v{answer['release']} goes on as it is; {again}", file=sys.stderr)
