"""Every command's manual: complete, with examples that the command line takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from calzion.cli.help import context_of, describe_arguments
from calzion.cli.invocation import Invocation
from calzion.cli.pages import PAGES
from calzion.cli.program import COMMANDS, SECTIONS, program, sections

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]


def root() -> click.Context:
    return program.context_class(program, info_name="calzion", obj=Invocation(environ={}, uid=1000))


def words(context: click.Context, before: str = "") -> Iterator[str]:
    group = context.command
    for name in group.list_commands(context) if isinstance(group, click.Group) else ():
        yield f"{before}{name}"
        yield from words(context_of(context, [name]), f"{before}{name} ")


ALL = ["", *words(root())]


@pytest.mark.parametrize("name", ALL)
def test_every_command_is_described(name: str) -> None:
    context = context_of(root(), name.split())
    describe_arguments(context.command)
    assert context.command.help
    for parameter in context.command.get_params(context):
        assert parameter.help, parameter.name  # type: ignore[attr-defined]
    text = context.get_help()
    for title in ("Usage: calzion", "\n\nOptions:\n", "\n\nExamples:\n", "\n\nExit status:\n"):
        assert title in f"\n\n{text}", title


def test_no_page_is_without_its_command() -> None:
    assert set(PAGES) == set(ALL)


def commands_in(line: str) -> Iterator[list[str]]:
    """The words of each command of a shell's line, without redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&<>")
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    skip = False
    for word in lexer:
        if word.startswith("$("):
            yield from commands_in(word[2:-1])
        elif word in ("<", ">"):
            skip = True
            continue
        elif set(word) <= set("|&"):
            found.append([])
        elif not skip:
            found[-1].append(word)
        skip = False
    yield from found


def test_the_words_of_an_example() -> None:
    line = "a -x | calzion run b -- 'c | d' > e && eval \"$(calzion f)\""
    assert sorted(commands_in(line)) == [
        ["a", "-x"],
        ["calzion", "f"],
        ["calzion", "run", "b", "--", "c | d"],
        ["eval"],
    ]


@pytest.mark.parametrize("line", [line for page in PAGES.values() for line in page.examples])
def test_examples_are_taken_by_the_command_line(line: str) -> None:
    ours = [words for words in commands_in(line) if words and words[0] == "calzion"]
    assert ours or line.startswith("git push calzion ")
    for words in ours:
        context = program.make_context("calzion", words[1:], obj=Invocation({}, 1000))
        group = context.command
        while isinstance(group, click.Group):
            name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
            assert command is not None
            context = command.make_context(name, rest, parent=context)
            group = context.command


def test_every_command_stands_once_in_the_help_of_calzion(calzion: Run, capsys: Capture) -> None:
    assert sorted(name for names in sections().values() for name in names) == sorted(COMMANDS)
    assert calzion("--help") == 0
    text = capsys.readouterr().out
    for name in COMMANDS:
        assert len(re.findall(rf"^  {name}  ", text, re.MULTILINE)) == 1, name
    for title in SECTIONS:
        assert f"\n{title}:\n" in text


def test_help_is_the_same_either_way(calzion: Run, capsys: Capture) -> None:
    for given in (["logs"], ["keys", "add"], []):
        assert calzion("help", *given) == 0
        one = capsys.readouterr().out
        assert calzion(*given, "--help") == 0
        assert capsys.readouterr().out == one
    assert calzion("help", "keys", "nosuch") == 3
    assert "there is no command 'calzion keys nosuch'" in capsys.readouterr().err


def test_defaults_variables_and_files_are_told(calzion: Run, capsys: Capture) -> None:
    assert calzion("help", "serve") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--ssh SSH where pushes arrive [default: 0.0.0.0:2222]" in text
    assert "CALZION_BUILD_MEMORY as --build-memory" in text
    assert "DATA/logs what its parts write" in text
    assert "5 the server can't be reached" not in text
    assert calzion("help", "ps") == 0
    assert "5 the server can't be reached" in " ".join(capsys.readouterr().out.split())


def test_man_writes_a_page_for_each(calzion: Run, tmp_path: Path, capsys: Capture) -> None:
    target = tmp_path / "man" / "man1"
    assert calzion("man", str(target)) == 0
    assert {path.name for path in target.iterdir()} == {
        f"{'-'.join(['calzion', *name.split()])}.1" for name in ALL
    }
    page = (target / "calzion-keys-add.1").read_text()
    assert page.startswith('.TH "CALZION-KEYS-ADD" 1')
    for part in (".SH NAME\n", "calzion keys add alice", ".SH OPTIONS\n", ".SH EXIT STATUS\n", "\\-\\-allow"):
        assert part in page
    assert not [line for line in page.splitlines() if re.match(r"[.'](?!TH|SH|PP|TP|B )", line)]
    (tmp_path / "file").touch()
    assert calzion("man", str(tmp_path / "file")) == 2
