"""Which buildpacks fit a source. Pure: looks at names, and into no more than two files."""

from __future__ import annotations

from collections.abc import Callable

from calzion.errors import CalzionError
from calzion.template.buildpack import SHIPPED, buildpack_lines, parse_buildpacks

ROOT_FILES = {
    "python": ("uv.lock", "poetry.lock", "Pipfile.lock", "requirements.txt", "Pipfile", "pyproject.toml"),
    "node": ("package.json",),
    "static": ("index.html", "static.json"),
    "procfile": ("Procfile",),
}
_FOREIGN = {
    "Gemfile": "Ruby",
    "go.mod": "Go",
    "composer.json": "PHP",
    "pom.xml": "Java",
    "build.gradle": "Java",
    "Cargo.toml": "Rust",
    "mix.exs": "Elixir",
    "deno.json": "Deno",
}
"""What says that an app is in a language of which no buildpack ships with Calzion."""

_SHOWN = 20

Read = Callable[[str], bytes | None]


def detect(names: tuple[str, ...], read: Read) -> tuple[str, ...]:
    """The buildpacks to run, in order: those that `.buildpacks` names, else the first that fits.

    Raises CalzionError (build) that says what was looked for and what is there.
    """
    if ".buildpacks" in names:
        entries = buildpack_lines(read(".buildpacks") or b"")
        parse_buildpacks(entries, ".buildpacks")
        return entries
    for buildpack in SHIPPED:
        if any(name in names for name in ROOT_FILES[buildpack]):
            return (buildpack,)
        if buildpack == "node" and _is_bare_python(names):
            return ("python",)
        if buildpack == "static" and "public/" in names and read("public/index.html") is not None:
            return (buildpack,)
    raise _nothing(names)


def _is_bare_python(names: tuple[str, ...]) -> bool:
    """A setup.py, which Node apps may have for their tools, says less than a package.json."""
    if "setup.py" not in names and "environment.yml" in names:
        raise CalzionError(
            "this is a Python app, but environment.yml (conda) alone is not supported",
            hint="add a requirements.txt, or a pyproject.toml with a uv.lock ('uv lock')",
            code="build",
        )
    return "setup.py" in names


def _nothing(names: tuple[str, ...]) -> CalzionError:
    file = next((name for name in _FOREIGN if name in names), None)
    if file:
        return CalzionError(
            f"no buildpack for {_FOREIGN[file]} ships with Calzion ({file})",
            hint="name one under the service's 'buildpacks:', by its address that ends in .git or an archive's",
            code="build",
        )
    wanted = [file for buildpack in SHIPPED for file in ROOT_FILES[buildpack]]
    there = sorted(names)[:_SHOWN] + (["..."] if len(names) > _SHOWN else [])
    return CalzionError(
        "no buildpack fits: nothing at the root says what kind of app this is",
        hint="add one of the files that are looked for, or point the service's 'git:' at the app's directory",
        code="build",
        detail=[
            f"looked for: {', '.join(wanted)}, setup.py, public/index.html, .buildpacks",
            f"at the root: {', '.join(there) or 'nothing'}",
        ],
    )
