"""`calzion man`: manual pages, of what --help says."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

import calzion
from calzion.cli.help import describe_arguments, words_of
from calzion.cli.manual import Page, sections
from calzion.cli.pages import PAGES
from calzion.errors import CalzionError


@click.command()
@click.argument("directory", metavar="DIRECTORY")
@click.pass_context
def man(context: click.Context, directory: str) -> None:
    """Write a manual page for calzion and each of its commands into DIRECTORY."""
    target = Path(directory)
    try:
        target.mkdir(parents=True, exist_ok=True)
        pages = list(_contexts(context.find_root()))
        for each in pages:
            (target / f"{_name(each)}.1").write_text(page_of(each), encoding="utf-8")
    except OSError as error:
        raise CalzionError(
            f"{target} can't be written to: {error.strerror or error}", code="usage"
        ) from error
    print(f"{len(pages)} pages are in {target}")


def page_of(context: click.Context) -> str:
    """The page in the language of man(7)."""
    command = context.command
    name, help_text = _name(context), inspect.cleandoc(command.help or "")
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [
        f'.TH "{name.upper()}" 1 "" "calzion {calzion.__version__}" "Calzion"',
        *(".SH NAME", f"{_plain(name)} \\- {_plain(_first_line(help_text))}"),
        *(".SH SYNOPSIS", f".B {_plain(context.command_path)}", _plain(usage)),
        *(".SH DESCRIPTION", _paragraphs(help_text)),
    ]
    for title, entries in _lists(context):
        lines.append(f".SH {title.upper()}")
        for term, text in entries:
            lines += [".TP", f".B {_plain(term)}", _plain(text)]
    return "\n".join(lines) + "\n"


def _contexts(context: click.Context) -> Iterator[click.Context]:
    yield context
    command = context.command
    for name in command.list_commands(context) if isinstance(command, click.Group) else ():
        inner = command.get_command(context, name) if isinstance(command, click.Group) else None
        if inner is not None:
            yield from _contexts(inner.context_class(inner, info_name=name, parent=context))


def _lists(context: click.Context) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    command = context.command
    describe_arguments(command)
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    found = [("Arguments", _records(arguments, context)), ("Options", _records(options, context))]
    if isinstance(command, click.Group):
        names = command.list_commands(context)
        found.append(
            ("Commands", [(f"{context.command_path} {name}", _line(context, name)) for name in names])
        )
    for section in sections(command, PAGES.get(words_of(context), Page(examples={}))):
        found.append((section.title, list(section.entries.items())))
    yield from ((title, entries) for title, entries in found if entries)


def _records(
    parameters: list[click.Argument] | list[click.Option], context: click.Context
) -> list[tuple[str, str]]:
    return [record for each in parameters if (record := each.get_help_record(context))]


def _line(context: click.Context, name: str) -> str:
    command = context.command
    inner = command.get_command(context, name) if isinstance(command, click.Group) else None
    return inner.get_short_help_str(200) if inner else ""


def _first_line(text: str) -> str:
    return text.partition("\n")[0].rstrip(".")


def _name(context: click.Context) -> str:
    return context.command_path.replace(" ", "-")


def _paragraphs(text: str) -> str:
    return "\n.PP\n".join(_plain(" ".join(part.split())) for part in text.split("\n\n"))


def _plain(text: str) -> str:
    """Text that roff takes for nothing but text."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return f"\\&{escaped}" if escaped.startswith((".", "\\(aq")) else escaped
