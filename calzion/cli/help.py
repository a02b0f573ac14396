"""`calzion help`, and the pages that every --help shows."""

from __future__ import annotations

from collections.abc import Sequence

import click

from calzion.cli.manual import Page, sections
from calzion.cli.pages import ARGUMENTS, PAGES
from calzion.errors import CalzionError

_NOTHING = Page(examples={})
_COLUMN = 34


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def show_help(context: click.Context, words: tuple[str, ...]) -> None:
    """Show the manual of a command, or of calzion itself."""
    click.echo(context_of(context.find_root(), words).get_help())


def describe_arguments(command: click.Command) -> None:
    """Give each argument that says nothing about itself the words for its name."""
    for each in command.params:
        if isinstance(each, click.Argument) and not each.help:
            each.help = ARGUMENTS.get(each.metavar or (each.name or "").upper())


def full_help(context: click.Context) -> str:
    """The help of a command, with its page of the manual."""
    describe_arguments(context.command)
    usual = context.command.get_help(context)
    formatter = context.make_formatter()
    page = PAGES.get(words_of(context), _NOTHING)
    for section in sections(context.command, page):
        with formatter.section(section.title):
            formatter.write_dl(list(section.entries.items()), col_max=_COLUMN)
    return f"{usual}\n\n{formatter.getvalue()}".rstrip()


def words_of(context: click.Context) -> str:
    """The words of the command, without that of the program."""
    return context.command_path.partition(" ")[2]


def context_of(root: click.Context, words: Sequence[str]) -> click.Context:
    """The context of the command that the words name. Raises CalzionError (not_found)."""
    context = root
    for word in words:
        group = context.command
        command = group.get_command(context, word) if isinstance(group, click.Group) else None
        if command is None:
            raise CalzionError(
                f"there is no command '{' '.join(['calzion', *words])}'",
                code="not_found",
                hint="'calzion --help' lists them",
            )
        context = command.context_class(command, info_name=word, parent=context)
    return context
