"""What a command's help says below its options: examples, exit status, environment, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import click

from calzion.config import SETTINGS

_EXITS = {0: "done", 1: "the operation failed", 2: "wrong use"}
_SERVER_EXITS = {
    3: "there is no such thing",
    4: "refused: a permission or a confirmation is missing",
    5: "the server can't be reached",
}
_VARIABLES = {setting.name: setting.variable for setting in SETTINGS} | {"config": "CALZION_CONFIG"}


@dataclass(frozen=True, kw_only=True)
class Page:
    """What only its author can say about a command. `exits` go over those that every command has.

    `server` says whether the command asks a server; None means that it does where it takes --data and no other setting.
    """

    examples: Mapping[str, str]
    exits: Mapping[int, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    server: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Section:
    title: str
    entries: Mapping[str, str]


def sections(command: click.Command, page: Page) -> Iterator[Section]:
    """The sections that have something to say, in their order."""
    names = {each.name or "" for each in command.params if isinstance(each, click.Option)}
    server = page.server if page.server is not None else "data" in names and "ssh" not in names
    exits = {**_EXITS, **(_SERVER_EXITS if server else {}), **page.exits}
    found = (
        ("Examples", page.examples),
        ("Exit status", {str(code): exits[code] for code in sorted(exits)}),
        ("Environment", {**_variables(command), **page.environment}),
        ("Files", {**_files(names, server), **page.files}),
    )
    yield from (Section(title=title, entries=entries) for title, entries in found if entries)


def _variables(command: click.Command) -> dict[str, str]:
    """The variables that stand for options of the command."""
    options = (option for each in command.params if isinstance(each, click.Option) for option in each.opts)
    names = (option.removeprefix("--") for option in options)
    return {_VARIABLES[name]: f"as --{name}" for name in names if name in _VARIABLES}


def _files(names: set[str], server: bool) -> dict[str, str]:
    found = {"DATA/calzion.toml": "settings, where neither --config nor CALZION_CONFIG names a file"}
    if "config" not in names:
        return {}
    return {"DATA/api.sock": "the socket at which the server answers", **found} if server else found
