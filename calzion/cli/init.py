"""`calzion init`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from calzion.errors import CalzionError

if TYPE_CHECKING:
    from calzion.scaffold import Scaffold

TEMPLATE = "template.yaml"
STANDARD_OUTPUT = "-"


@click.command()
@click.argument("directory", required=False, default=".", metavar="[DIRECTORY|-]")
@click.option("--print", "printed", is_flag=True, help="write to standard output, and no file")
@click.option("--force", is_flag=True, help=f"replace a {TEMPLATE} that is there")
@click.option(
    "--compose", metavar="FILE", help="the Compose file, from DIRECTORY; else the usual ones are looked for"
)
@click.option("--no-compose", is_flag=True, help="read no Compose file")
def init(directory: str, printed: bool, force: bool, compose: str | None, no_compose: bool) -> None:
    """Write a first template.yaml for the repository in DIRECTORY (the current one).

    It is made from what the repository has for other tools: Procfiles, also of directories below, app.json, a Compose
    file with its .env, Dockerfiles, or only a package.json or requirements.txt. What could not be carried over is
    told, and stands as comments in the file. Secrets are never copied: they become values that each deployment
    generates, or that are to be set with 'calzion secrets set'.

    DIRECTORY may be '-': the current one, with the template on standard output.
    """
    if compose and no_compose:
        raise click.UsageError("--compose and --no-compose exclude each other")
    printed = printed or directory == STANDARD_OUTPUT
    root = Path("." if directory == STANDARD_OUTPUT else directory)
    target = root / TEMPLATE
    if not root.is_dir():
        raise CalzionError(f"{root} is no directory", code="usage", hint="name the repository's directory")
    if target.exists() and not (force or printed):
        raise _there_already(target)
    scaffold, text = _made(root, compose, no_compose)
    if printed:
        print(text, end="")
    else:
        _write(target, text, force)
        print(f"{target} is written: {_counted(scaffold)}")
    _tell(scaffold)


def _made(root: Path, compose: str | None, no_compose: bool) -> tuple[Scaffold, str]:
    """The scaffold and its text, which a template must be."""
    from calzion.scaffold import Checkout, make_scaffold, render
    from calzion.template import parse_template

    name = root.resolve().name
    scaffold = make_scaffold(Checkout(root), name, compose=compose, with_compose=not no_compose)
    text = render(scaffold)
    parse_template(text.encode(), TEMPLATE, secrets=frozenset(scaffold.wanted))
    return scaffold, text


def _write(target: Path, text: str, force: bool) -> None:
    temporary = target.with_name(f".{TEMPLATE}.{os.getpid()}.new")
    try:
        temporary.write_text(text, encoding="utf-8")
        try:
            if force:
                temporary.replace(target)
            else:
                os.link(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError:
        raise _there_already(target) from None
    except OSError as error:
        raise CalzionError(f"{target} can't be written: {error.strerror or error}") from error


def _there_already(target: Path) -> CalzionError:
    return CalzionError(
        f"{target} is there already, and was left as it is",
        code="refused",
        hint="--force replaces it; --print shows what would be written",
    )


def _tell(scaffold: Scaffold) -> None:
    """Say on standard error what the comments of the file say."""
    for title, sentences in (("decided for you", scaffold.decided), ("not carried over", scaffold.left)):
        for sentence in sentences:
            print(f"       {title}: {sentence}", file=sys.stderr)
    for name in scaffold.wanted:
        print(f" !     to be set: calzion secrets set DEPLOYMENT {name}", file=sys.stderr)


def _counted(scaffold: Scaffold) -> str:
    names = [service.name for service in scaffold.services]
    return f"{len(names)} service{'s' if len(names) > 1 else ''}: {', '.join(names)}"
