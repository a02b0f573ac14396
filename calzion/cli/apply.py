"""`calzion apply`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from calzion.cli.follow import events, follow, printer
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.terminal import print_json
from calzion.errors import WOULD_CHANGE, CalzionError

_MOST = 1 << 20


@click.command("apply")
@click.argument(
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="the infrastructure file",
)
@click.option("--plan", "plan_only", is_flag=True, help="say what would change, and change nothing")
@click.option("--yes", is_flag=True, help="remove what the file no longer names, without asking")
@click.option("--json", "as_json", is_flag=True, help="print the plan as JSON")
@connection_options
@pass_invocation
def apply_file(invocation: Invocation, file: Path, plan_only: bool, yes: bool, as_json: bool) -> int:
    """Bring domains, scale and limits to what the infrastructure file FILE says.

    The file names all at once: what the one before named and this one does not is removed, after it was shown and
    confirmed. What neither names stays as it is. Applied twice, it changes nothing.
    """
    client = invocation.client()
    sent = {"file": file.name[-64:], "text": _text(file)}
    found: dict[str, Any] = client.post("/infrastructure/plan", sent)
    if plan_only:
        return _show_plan(found, as_json)
    removes: list[str] = found["removes"]
    if removes and not yes:
        _confirm(found)
    stream = client.stream("PUT", "/infrastructure", {**sent, "removes": removes})
    if as_json:
        follow(events(stream), printer(invocation, sys.stderr))
        print_json(found)
    else:
        follow(events(stream), printer(invocation))
    return 0


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise CalzionError(f"{file} can't be read: {error.strerror or error}", code="usage") from error
    if len(data) > _MOST:
        raise CalzionError(f"{file} is larger than {_MOST >> 20} MiB", code="usage")
    # The server says where a byte stands that is no UTF-8.
    return data.decode("utf-8", "surrogateescape")


def _show_plan(found: dict[str, Any], as_json: bool) -> int:
    if as_json:
        print_json(found)
    else:
        for line in found["lines"]:
            print(f"       {line}")
        print("-----> plan only: nothing was changed" if found["lines"] else "-----> nothing would change")
    return WOULD_CHANGE if found["changes"] else 0


def _confirm(found: dict[str, Any]) -> None:
    for line in found["lines"]:
        print(f"       {line}", file=sys.stderr)
    if not sys.stdin.isatty() or not click.confirm(f"Remove {', '.join(found['removes'])}?", err=True):
        raise CalzionError(
            f"nothing was changed: this would remove {', '.join(found['removes'])}",
            hint="to do it all the same, use --yes",
            code="refused",
        )
