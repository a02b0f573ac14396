"""A unit file as data, and its text (systemd.syntax(7)). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from calzion.errors import CalzionError

MARK = "# Written by 'calzion install', which replaces it; change it by 'systemctl edit'."
"""The first line of every unit of ours."""

_HARMLESS = re.compile(r"[\w@%+=,./ -]+")


@dataclass(frozen=True, kw_only=True)
class Unit:
    """Sections of options in their order; one whose value is a tuple is written once for each of its values.

    `notes` are comments below the mark. `data` says whose units these are.
    """

    name: str
    data: Path
    sections: Mapping[str, Mapping[str, str | tuple[str, ...]]]
    notes: tuple[str, ...] = field(default=())

    def text(self) -> str:
        lines = [MARK, *(f"# {note}" for note in self.notes)]
        for section, options in {**self.sections, "X-Calzion": {"Data": escaped(self.data)}}.items():
            lines += ["", f"[{section}]"]
            for option, value in options.items():
                values = value if isinstance(value, tuple) else (value,)
                lines += [f"{option}={each}" for each in values]
        return "\n".join(lines) + "\n"


def escaped(path: Path | str) -> str:
    """A path, or a word of a command, as it stands alone behind a `=`.

    Raises CalzionError (usage) for what the several syntaxes of unit files would read in different ways.
    """
    text = str(path)
    if not _HARMLESS.fullmatch(text):
        raise CalzionError(
            f"{text!r} can't stand in a unit file",
            code="usage",
            hint="choose a path of letters, digits, spaces and @%+=,./-",
        )
    return text.replace("%", "%%")


def words(values: Iterable[Path | str]) -> str:
    """Paths, or the words of a command, as a list: quoted where one holds a space."""
    return " ".join(f'"{each}"' if " " in each else each for each in map(escaped, values))


def data_of(text: str) -> Path | None:
    """The data directory that a unit of ours serves, None for a unit that somebody else wrote."""
    if not text.startswith(MARK):
        return None
    found = re.search(r"^\[X-Calzion\]\nData=(.+)$", text, re.MULTILINE)
    return Path(found[1].replace("%%", "%")) if found else None
