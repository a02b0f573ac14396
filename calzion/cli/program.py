"""The command line's root: knows every command by name, and loads only the one that runs."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from importlib import import_module

import click

import calzion
from calzion.cli.invocation import Invocation, connection_options

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("serve:serve", "Run everything on this machine, in the foreground."),
    "stop": ("stop:stop", "End the running serve; with --all also every deployment's processes."),
    "status": ("status:status", "Say per part whether it is up."),
    "config": ("config:config", "Print the settings in force and where each came from."),
    "doctor": ("doctor:doctor", "Say what this machine can do, and what is missing."),
    "keys": ("keys:keys", "Who may push: users' SSH keys."),
    "deploy": ("deploy:deploy", "Roll out a template without a push."),
    "redeploy": ("redeploy:redeploy", "Roll out what a deployment has once more."),
    "list": ("deployments:list_deployments", "List the deployments."),
    "ps": ("instances:ps", "List the instances of a deployment."),
    "show": ("show:show", "Show a deployment or one of its services in detail."),
    "releases": ("releases:releases", "List the releases of a deployment."),
    "logs": ("logs:logs", "Print what instances wrote, or the story of a release."),
    "restart": ("operate:restart", "Start the instances anew, without an interruption."),
    "scale": ("operate:scale", "Set how many instances run."),
    "destroy": ("destroy:destroy", "Remove a deployment and all its data."),
}
"""Name -> module below calzion.cli and the command in it, and its line in the help."""


class LazyGroup(click.Group):
    def list_commands(self, _: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _colon, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(f"calzion.cli.{module}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(calzion.__version__, message="calzion %(version)s")
@connection_options
def program() -> None:
    """A self-hosted PaaS: 'git push' rolls out every service of an application as one."""


def run_program(arguments: list[str], environ: MutableMapping[str, str], uid: int) -> int:
    """Run the command that was typed; returns its exit status."""
    try:
        result = program.main(
            arguments, prog_name="calzion", standalone_mode=False, obj=Invocation(environ=environ, uid=uid)
        )
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        return _wrong_use(error)
    return result if isinstance(result, int) else 0


def _wrong_use(error: click.ClickException) -> int:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        print(error.ctx.get_usage(), file=sys.stderr)
    for line in error.format_message().splitlines():
        print(f" !     {line}", file=sys.stderr)
    return 2
