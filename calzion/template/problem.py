"""A mistake in a template: where it is, what it is, and what was probably meant."""

from __future__ import annotations

from dataclasses import dataclass

Path = tuple[str | int, ...]
"""The keys and list indexes that lead to a value, from the root."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """`path` says where, `token` what to look for inside that value, `offset` the exact place if it is known.

    `file` is named where the path alone doesn't tell which of several files is meant. `word` is the spelling that was
    found instead of an `allowed` one; the nearest is suggested. An `offset` counts characters of the text.
    """

    sentence: str
    path: Path = ()
    on_key: bool = False
    token: str = ""
    offset: int | None = None
    file: str = ""
    word: str = ""
    allowed: tuple[str, ...] = ()


class Misfit(ValueError):
    """A value that does not fit its key. The caller knows the place and makes a Problem of it."""

    def __init__(self, sentence: str, *, word: str = "", allowed: tuple[str, ...] = ()) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.word = word
        self.allowed = allowed

    def at(self, path: Path, *, on_key: bool = False) -> Problem:
        return Problem(sentence=self.sentence, path=path, on_key=on_key, word=self.word, allowed=self.allowed)


class Unreadable(Exception):
    """The text is no YAML that a template may be; nothing more can be said about it."""

    def __init__(self, sentence: str, offset: int = 0) -> None:
        super().__init__(sentence)
        self.problem = Problem(sentence=sentence, offset=offset)
