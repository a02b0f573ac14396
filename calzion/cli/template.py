"""`calzion template`: what can be done with a template without a server."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calzion.cli.terminal import print_json
from calzion.errors import CalzionError

if TYPE_CHECKING:
    from calzion.model import Template

STANDARD_INPUT = "-"
_LIMIT = (1 << 20) + 1
_PLACED = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?P<column>\d+): (?P<sentence>.*)", re.DOTALL)


@click.group()
def template() -> None:
    """Check a template without a server, and get its schema."""


@template.command("check")
@click.argument("file", required=False, default="template.yaml", metavar="[FILE|-]")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def check(file: str, as_json: bool) -> int:
    """Say every mistake of the template in FILE (template.yaml) with its place; exits 1 where there is one.

    Files that it includes are read from the root of FILE's git repository, or else from FILE's directory, and never
    from outside of it. '-' is standard input. Names of secrets, which only a deployment knows, are listed.
    """
    try:
        found = _parsed(file)
    except CalzionError as error:
        if not as_json or error.code != "template":
            raise
        print_json({"ok": False, "problems": [_placed(line) for line in error.detail]})
        return 1
    _tell(file, found, as_json)
    return 0


@template.command("schema")
def schema() -> None:
    """Print the JSON Schema of templates (draft 2020-12), by which an editor completes and checks them."""
    from calzion.template.schema import template_schema

    print_json(template_schema())


@template.command("reference")
def reference() -> None:
    """Print every key and section of a template with its meaning and default, as Markdown tables."""
    from calzion.template.reference import reference_tables

    print("\n\n".join(reference_tables()))


def _parsed(file: str) -> Template:
    from calzion.cli.templatefiles import TemplateFiles, read_template
    from calzion.template import parse_template

    if file == STANDARD_INPUT:
        return parse_template(sys.stdin.buffer.read(_LIMIT), "standard input", secrets=None)
    text = read_template(Path(file))
    path = Path(file).absolute()
    files = TemplateFiles(_repository(path.parent))
    return parse_template(text, files.name_of(path), secrets=None, read=files.read)


def _repository(directory: Path) -> Path:
    """The top level of the git repository around the directory, else the directory itself."""
    return next((each for each in (directory, *directory.parents) if (each / ".git").exists()), directory)


def _tell(file: str, found: Template, as_json: bool) -> None:
    from calzion.template import names_from_outside

    services = [service.name for service in found.services]
    outside = names_from_outside(found)
    if as_json:
        facts = {
            "services": services,
            "tasks": [task.name for task in found.tasks],
            "generate": [value.name for value in found.generate],
            "secrets": list(outside),
        }
        print_json({"ok": True, "problems": [], **facts})
        return
    parts = [f"{_counted(len(services), 'service')}: {', '.join(services)}"]
    parts += [f"{_counted(len(found.tasks), 'task')}"] if found.tasks else []
    parts += [f"{_counted(len(found.generate), 'generated value')}"] if found.generate else []
    print(f"{file}: {'; '.join(parts)}")
    for name, needing in outside.items():
        print(f"       {name} of {', '.join(needing)} is to be set: calzion secrets set DEPLOYMENT {name}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _placed(line: str) -> dict[str, Any]:
    match = _PLACED.fullmatch(line)
    if match is None:
        return {"file": "", "line": 0, "column": 0, "sentence": line}
    return {**match.groupdict(), "line": int(match["line"]), "column": int(match["column"])}
