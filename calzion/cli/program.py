"""The command line's root: knows every command by name, and loads only the one that runs."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING

import click

import calzion
from calzion.cli.invocation import Invocation, connection_options

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("serve:serve", "Run everything on this machine, in the foreground."),
    "stop": ("stop:stop", "End the running serve; with --all also every deployment's processes."),
    "status": ("status:status", "Say per part whether it is up."),
    "config": ("config:config", "Print the settings in force and where each came from."),
    "install": ("install:install", "Write unit files, so that systemd runs everything."),
    "uninstall": ("uninstall:uninstall", "Stop and remove those units; data stays."),
    "doctor": ("doctor:doctor", "Say what this machine can do, and what is missing."),
    "images": ("images:images", "What containers are made of: built here, for the Docker backend."),
    "keys": ("keys:keys", "Who may push: users' SSH keys."),
    "tokens": ("tokens:tokens", "Who may use the API from elsewhere, and for how long."),
    "login": ("login:login", "Have commands talk to a server elsewhere."),
    "logout": ("login:logout", "Have them talk to this machine's server again."),
    "audit": ("audit:audit", "Who did what, when, from where and with which key."),
    "registries": ("registries:registries", "Where private images come from: registries' credentials."),
    "deploy": ("deploy:deploy", "Roll out a template without a push."),
    "plan": ("plan:plan", "Say what a deploy would do, and change nothing."),
    "redeploy": ("redeploy:redeploy", "Roll out what a deployment has once more."),
    "rollback": ("rollback:rollback", "Go back to an earlier release."),
    "promote": ("promote:promote", "Roll out in one deployment what another one runs."),
    "list": ("deployments:list_deployments", "List the deployments."),
    "ps": ("instances:ps", "List the instances of a deployment."),
    "discover": ("discover:discover", "List what is registered for others, and follow it."),
    "show": ("show:show", "Show a deployment or one of its services in detail."),
    "releases": ("releases:releases", "List the releases of a deployment."),
    "logs": ("logs:logs", "Print what instances wrote, or the story of a release."),
    "run": ("run:run", "Run a command once in a service's code and environment, attached."),
    "env": ("env:env", "Show a service's environment, and where each variable comes from."),
    "secrets": ("secrets:secrets", "Values that a template names and nobody sees."),
    "restart": ("operate:restart", "Start the instances anew, without an interruption."),
    "scale": ("operate:scale", "Set how many instances run."),
    "apply": ("apply:apply_file", "Bring domains, scale and limits to what a file says."),
    "domains": ("domains:domains", "Host names that deployments were given."),
    "ttl": ("ttl:ttl", "Have a deployment remove itself after a time."),
    "volumes": ("volumes:volumes", "What is kept of a deployment's data, and its removal."),
    "export": ("exporting:export_deployment", "Write a deployment with its data to a file."),
    "backup": ("backup:backup", "Write everything that this server serves to a directory or file."),
    "restore": ("restore:restore", "Have on this server what is in a backup."),
    "import": ("importing:import_deployment", "Make a deployment of such a file."),
    "destroy": ("destroy:destroy", "Remove a deployment and all its data."),
    "init": ("init:init", "Write a first template.yaml for a repository."),
    "template": ("template:template", "Check a template without a server, and get its schema."),
    "completion": ("completion:completion", "Print the script by which a shell completes commands."),
    "help": ("help:show_help", "Show the manual of a command."),
    "man": ("man:man", "Write manual pages for man(1)."),
}
"""Name -> module below calzion.cli and the command in it, and its line in the help."""

SECTIONS: dict[str, tuple[str, ...]] = {
    "Serving": (
        "serve",
        "stop",
        "status",
        "config",
        "doctor",
        "install",
        "uninstall",
        "images",
        "registries",
        "backup",
        "restore",
    ),
    "Deploying": (
        "deploy",
        "plan",
        "redeploy",
        "rollback",
        "promote",
        "secrets",
        "run",
        "restart",
        "scale",
        "apply",
        "ttl",
        "export",
        "import",
        "destroy",
    ),
    "Looking": ("list", "domains", "volumes", "ps", "discover", "show", "releases", "logs", "env"),
    "Users": ("keys", "tokens", "login", "logout", "audit"),
    "Templates": ("init", "template"),
}
"""The commands as the help shows them; those that are named nowhere stand at the end."""

_COMPLETE = "_CALZION_COMPLETE"
"""Set by the shell's script: what it wants completed is in the environment."""


class ManualContext(click.Context):
    """Shows a command's page of the manual below its options."""

    def get_help(self) -> str:
        from calzion.cli.help import full_help

        return full_help(self)


class LazyGroup(click.Group):
    context_class = ManualContext

    def list_commands(self, _: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _colon, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(f"calzion.cli.{module}"), name)
        assert isinstance(command, click.Command)
        for each in (command, *(command.commands.values() if isinstance(command, click.Group) else ())):
            each.context_class = ManualContext
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with the commands that are not loaded among what may have been meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """As click does it, without loading every command for its line."""
        from click.shell_completion import CompletionItem

        names = [name for name in COMMANDS if name.startswith(incomplete)]
        commands = [CompletionItem(name, help=COMMANDS[name][1]) for name in names]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in sections().items():
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[name][1]) for name in names])


def sections() -> dict[str, tuple[str, ...]]:
    """Every command once, under the title of its section."""
    named = {name for names in SECTIONS.values() for name in names}
    return {**SECTIONS, "More": tuple(name for name in COMMANDS if name not in named)}


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(calzion.__version__, message="calzion %(version)s")
@connection_options
def program() -> None:
    """A self-hosted PaaS: 'git push' rolls out every service of an application as one."""


def run_program(arguments: list[str], environ: MutableMapping[str, str], uid: int) -> int:
    """Run the command that was typed; returns its exit status."""
    invocation = Invocation(environ=environ, uid=uid)
    if instruction := environ.get(_COMPLETE):
        from calzion.cli.completion import complete

        return complete(program, instruction, invocation)
    try:
        result = program.main(arguments, prog_name="calzion", standalone_mode=False, obj=invocation)
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        return _wrong_use(error)
    return result if isinstance(result, int) else 0


def _wrong_use(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        print(error.format_message(), file=sys.stderr)
        return 2
    if isinstance(error, click.UsageError) and error.ctx is not None:
        print(error.ctx.get_usage(), file=sys.stderr)
    # Click gives each choice a line of its own, after a tabulator.
    for line in error.format_message().replace("\n\t", " ").splitlines():
        print(f" !     {line}", file=sys.stderr)
    return 2
