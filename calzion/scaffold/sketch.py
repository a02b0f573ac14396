"""A template in the making: services, values, and what is said about what was left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_LONGEST = 300

Keys = dict[str, Any]
"""JSON data in the language of the template: what a service's key holds."""


@dataclass(frozen=True, kw_only=True)
class Service:
    name: str
    keys: Keys


@dataclass(frozen=True, kw_only=True)
class Scaffold:
    """What a template can say about a repository.

    `sources` are the files that it was made from, `generate` the names of values that a deployment makes for
    itself, `wanted` those that someone must set, `left` what could not be carried over, and `decided` what was
    decided in the user's stead; the last two are sentences without secrets.
    """

    sources: tuple[str, ...]
    services: tuple[Service, ...]
    run: Mapping[str, Mapping[str, str]]
    generate: tuple[str, ...]
    wanted: tuple[str, ...]
    left: tuple[str, ...]
    decided: tuple[str, ...]


@dataclass
class Notes:
    """Sentences, each once, about a service or about the whole."""

    left: list[str] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)

    def leave(self, owner: str, what: str) -> None:
        """Note what is not carried over, and why or where it belongs."""
        _note(self.left, owner, what)

    def decide(self, owner: str, what: str) -> None:
        """Note what was decided, so that the user can decide otherwise."""
        _note(self.decided, owner, what)


def printable(text: str) -> str:
    """`text` on one line of a sensible length, without characters on which a terminal would act."""
    clean = "".join(character if character.isprintable() else "?" for character in text)
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 3]}..."


def _note(sentences: list[str], owner: str, what: str) -> None:
    sentence = printable(f"{owner}: {what}" if owner else what)
    if sentence not in sentences:
        sentences.append(sentence)
