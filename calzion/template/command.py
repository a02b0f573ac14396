"""A command as a template gives it: text for a shell, or a list of arguments. Never interpolated."""

from __future__ import annotations

from calzion.template.data import Data, described
from calzion.template.problem import Misfit
from calzion.template.text import text, written


def script(value: Data) -> str:
    """A command that `bash -c` runs."""
    found = text(value, "a command (text, or a list of arguments)")
    if not found.strip():
        raise Misfit("the command is empty")
    return found


def release_script(value: Data) -> str:
    if isinstance(value, list):
        raise Misfit(f"the release command is text, found {described(value)}")
    return script(value)


def argument(value: Data) -> str:
    return written(value)


def arguments(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value or not value[0]:
        raise Misfit("the command is empty: the first item of the list is the program")
    return value
