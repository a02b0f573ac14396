"""`calzion status`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.terminal import print_json, table
from calzion.config import Settings
from calzion.errors import CalzionError


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def status(invocation: Invocation, as_json: bool) -> int:
    """Say per part whether it is up; exits 0 when every part is."""
    settings = invocation.settings()
    try:
        answer: dict[str, Any] = invocation.client().get("/status")
    except CalzionError as error:
        raise _explained(error, settings) from error
    if as_json:
        print_json(answer)
    else:
        _print(answer)
    return 0 if answer["ok"] else 1


def _print(answer: dict[str, Any]) -> None:
    rows = [[part["name"], part["state"], part.get("detail", "")] for part in answer["parts"]]
    for line in table(["PART", "STATE", "DETAIL"], rows):
        print(line)
    for sentence in (*answer.get("troubles", []), *answer.get("protections", [])):
        print(f" !     {sentence}", file=sys.stderr)


def _explained(error: CalzionError, settings: Settings) -> CalzionError:
    """Where nothing answers: what is known without the API."""
    if error.code != "unreachable":
        return error
    known = local_parts(settings.layout.run / "parts.json")
    lines = [f"{name}: {state}" for name, state in known.items()]
    return CalzionError(error.message, code=error.code, hint=error.hint, detail=lines or None)


def local_parts(record: Path) -> dict[str, str]:
    """What the supervisor wrote down about its parts last; those that are gone by now are down."""
    try:
        parts = json.loads(record.read_text(encoding="utf-8"))["parts"]
        return {str(name): _state(part) for name, part in parts.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _state(part: dict[str, Any]) -> str:
    pid = part["pid"]
    return f"{part['state']} (pid {pid})" if pid and Path(f"/proc/{pid}").exists() else "down"
