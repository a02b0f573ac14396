"""`calzion run`."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import Target, TargetType
from calzion.frames import PROTOCOL


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("target", type=TargetType(), metavar="DEPLOYMENT[:SERVICE]")
@click.argument(
    "command",
    nargs=-1,
    type=click.UNPROCESSED,
    metavar="-- COMMAND...",
    help="a program and its arguments, or one line for bash",
)
@click.option(
    "-e",
    "--env",
    "variables",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="one more variable; without a value it is your own one; repeatable",
)
@click.option("--no-tty", is_flag=True, help="pipes, even where a terminal is at both ends")
@connection_options
@pass_invocation
def run(
    invocation: Invocation,
    target: Target,
    command: tuple[str, ...],
    variables: tuple[str, ...],
    no_tty: bool,
) -> int:
    """Run a command once, attached to this terminal, in the code and environment of a service.

    It runs in the current release, beside the instances that serve, and sees the service's volumes. Several words are
    the program and its arguments, kept exactly as they are; a single one is a line for bash. Its exit code becomes
    that of this command, 128 + N where signal N ended it. SERVICE may be left out where there is one app.

    Without a terminal at both ends its input, output and errors are pipes. It ends with this command.
    """
    from calzion.cli.attachment import Attachment, at_terminal, open_standard_files, terminal_size

    # Options end at the target, so that '--' is only seen, not needed.
    words = command[1:] if command[:1] == ("--",) else command
    if not words:
        raise click.UsageError(f"say what to run, such as: calzion run {target} -- bash")
    open_standard_files()
    terminal = at_terminal() and not no_tty
    body = {
        "service": target.service,
        "command": words[0] if len(words) == 1 else list(words),
        "env": _environment(variables, invocation.environ, terminal),
        "terminal": vars(terminal_size()) if terminal else None,
    }
    with invocation.client().upgrade(f"{target.path}/run", body, PROTOCOL) as (connection, reader):
        exit_ = Attachment(connection, reader, terminal=terminal).run()
    if exit_.oom:
        print(f" !     {words[0]}: out of memory", file=sys.stderr)
    return exit_.code


def _environment(given: tuple[str, ...], environ: Mapping[str, str], terminal: bool) -> dict[str, str]:
    found = {"TERM": environ.get("TERM") or "xterm"} if terminal else {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals and name not in environ:
            raise click.UsageError(f"-e {name}: your own environment has no {name}")
        found[name] = value if equals else environ[name]
    return found
