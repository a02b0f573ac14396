"""Where builds run: what they are promised, whatever holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from calzion.build.child import Ending
from calzion.build.interpreters import Interpreters
from calzion.build.limits import BuildLimits
from calzion.build.scratch import Scratch
from calzion.build.stack import Stack
from calzion.host.sandbox import Mount
from calzion.model import Cancellation


class Workshop(Protocol):
    """Runs commands apart from the machine, as a user who owns nothing else, within limits."""

    @property
    def stack(self) -> Stack: ...

    @property
    def limits(self) -> BuildLimits: ...

    @property
    def interpreters(self) -> Interpreters:
        """Those that apps can be built with."""

    @property
    def interpreter(self) -> str:
        """The Python inside that runs Calzion's own programs."""

    def cache(self, *, replaceable: bool) -> str:
        """Where the cache is inside. Its host's path is the same below the build's root."""

    def within(self, seconds: float) -> Workshop:
        """The same, with another time limit."""

    def prepare(self) -> None:
        """End what a crash left running. Raises CalzionError (unsupported), OSError."""

    def run(
        self,
        place: Scratch,
        mounts: Sequence[Mount],
        command: Sequence[str],
        *,
        commit: str,
        cancellation: Cancellation,
        told: Callable[[str], None],
        variables: Mapping[str, str] = MappingProxyType({}),
        replaceable: bool = False,
    ) -> tuple[Ending, bool]:
        """Run `command` to its end, with `variables` added; with it comes whether memory ran out in some of it.

        Where /app is `replaceable` the command may put something else in its place as a whole.
        Raises CalzionError (unsupported, build), OSError.
        """
