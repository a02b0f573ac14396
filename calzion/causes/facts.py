"""What is known of a failure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from calzion.model import Exit

_LONGEST = 600
_NPM = re.compile(r"^npm (?:error|ERR!) ?(?:gyp ERR! ?)?")
_TRACEBACK = "Traceback (most recent call last):"
_ECHO = "gunicorn.errors.HaltServer"
"""What gunicorn's master raises because a worker failed, whose own traceback stands before."""


class Phase(StrEnum):
    """Where in a rollout something failed; also the code of its error."""

    BUILD = "build"
    RELEASE = "release"
    START = "start"
    HEALTH = "health"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """`lines` are the last ones written, more of them than are shown.

    `port` is where it was expected to listen, by the variable `port_variable`; `listening` where it does, or did.
    `enclosed` says that it does so on its container's own 127.0.0.1 alone, which nobody else reaches.
    `path` is what was asked for its health and `status` what it answered, None without an answer. `variables` are the
    names that had a value.
    """

    phase: Phase
    lines: Sequence[str]
    service: str = "the service"
    deployment: str = "DEPLOYMENT"
    exit: Exit | None = None
    port: int | None = None
    port_variable: str = "PORT"
    listening: tuple[int, ...] = ()
    enclosed: bool = False
    path: str = ""
    status: int | None = None
    variables: frozenset[str] = frozenset()

    @cached_property
    def text(self) -> str:
        """The lines as tables of causes look at them: no line is too long, npm's prefixes are gone."""
        return "".join(_NPM.sub("", line[:_LONGEST].rstrip()) + "\n" for line in self.lines)

    @cached_property
    def last_traceback(self) -> str:
        """The text from the last Python traceback on: earlier ones were survived. All of it without one."""
        start = end = len(self.text)
        while (start := self.text.rfind(_TRACEBACK, 0, start)) >= 0:
            if _ECHO not in self.text[start:end]:
                return self.text[start:]
            end = start
        return self.text

    @property
    def elsewhere(self) -> tuple[int, ...]:
        """The ports on which it listens, where it does not on the one that was expected."""
        return () if self.port is None or self.port in self.listening else self.listening
