"""`calzion completion`, and the answers to what a shell asks for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from click.shell_completion import BashComplete, CompletionItem, ShellComplete, get_completion_class

if TYPE_CHECKING:
    from calzion.cli.invocation import Invocation

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_CALZION_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script by which a shell completes the commands of calzion, and the names of deployments.

    The names come from the server, where it answers at once.
    """
    found = _shells(shell)
    assert found is not None
    # Not the class's own source(): bash's asks which bash is here, and the script may be for another machine.
    click.echo(ShellComplete.source(found(context.find_root().command, {}, "calzion", VARIABLE)), nl=False)


def complete(program: click.Command, instruction: str, invocation: Invocation) -> int:
    """Answer the script of a shell; `instruction` is such as `bash_complete`."""
    shell, _, what = instruction.partition("_")
    found = _shells(shell)
    if found is None or what != "complete":
        return 1
    click.echo(found(program, {"obj": invocation}, "calzion", VARIABLE).complete())
    return 0


class ColonBash(BashComplete):
    """bash takes `myapp:web` for three words, and replaces the last of them alone."""

    def get_completion_args(self) -> tuple[list[str], str]:
        words = joined_at_colons(os.environ["COMP_WORDS"].split("\n")[: int(os.environ["COMP_CWORD"]) + 1])
        self._typed = words[-1].rpartition(":")[0]
        return words[1:-1], words[-1]

    def format_completion(self, item: CompletionItem[str]) -> str:
        value = item.value.removeprefix(f"{self._typed}:") if self._typed else item.value
        return f"{item.type},{value}"


def joined_at_colons(words: list[str]) -> list[str]:
    """The words as they were typed, where a shell has split them at colons."""
    found: list[str] = []
    for word in words:
        if found and (word == ":" or found[-1].endswith(":")):
            found[-1] += word
        else:
            found.append(word)
    return found


def _shells(name: str) -> type[ShellComplete] | None:
    return ColonBash if name == "bash" else get_completion_class(name)
