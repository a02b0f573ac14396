"""Which buildpacks fit a source. Pure: looks at names, and into no more than two files."""

from __future__ import annotations

from collections.abc import Callable

from calzion.errors import CalzionError

SHIPPED = ("python", "node", "static", "procfile")
"""The buildpacks that ship with Calzion, in the order in which they are tried."""

ROOT_FILES = {
    "python": ("requirements.txt", "pyproject.toml", "uv.lock"),
    "node": ("package.json",),
    "static": ("index.html", "static.json"),
    "procfile": ("Procfile",),
}
_NOT_YET = ("Pipfile", "setup.py", "environment.yml", "poetry.lock")
_SHOWN = 20

Read = Callable[[str], bytes | None]


def detect(names: tuple[str, ...], read: Read) -> tuple[str, ...]:
    """The buildpacks to run, in order: those that `.buildpacks` names, else the first that fits.

    Raises CalzionError (build) that says what was looked for and what is there.
    """
    if ".buildpacks" in names:
        return _listed(read(".buildpacks") or b"")
    for buildpack in SHIPPED:
        if any(name in names for name in ROOT_FILES[buildpack]):
            return (buildpack,)
        if buildpack == "python":
            _refuse_other_python(names)
        if buildpack == "static" and "public/" in names and read("public/index.html") is not None:
            return (buildpack,)
    raise _nothing(names)


def is_shipped(buildpack: str) -> bool:
    return buildpack in SHIPPED


def _listed(content: bytes) -> tuple[str, ...]:
    lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
    entries = tuple(line for line in lines if line and not line.startswith("#"))
    problems = [f".buildpacks: {problem}" for entry in entries if (problem := _problem(entry))]
    if not entries:
        problems = [".buildpacks: it names no buildpack"]
    if problems:
        raise CalzionError(
            "these buildpacks can't be used",
            hint=f"name {', '.join(SHIPPED)}, or a directory of the source such as ./buildpack, one a line",
            code="build",
            detail=problems,
        )
    return entries


def _problem(entry: str) -> str:
    shown = ascii(entry[:100])
    if is_shipped(entry):
        return ""
    if "://" in entry or entry.startswith("git@"):
        return f"{shown}: buildpacks from elsewhere are not supported yet"
    if not entry.startswith("./") or ".." in entry.split("/") or not entry.isprintable():
        return f"{shown} is no buildpack"
    return ""


def _refuse_other_python(names: tuple[str, ...]) -> None:
    for name in _NOT_YET:
        if name in names and "package.json" not in names:
            raise CalzionError(
                f"this is a Python app, but {name} alone is not supported yet",
                hint="add a requirements.txt, or a pyproject.toml with a uv.lock ('uv lock')",
                code="build",
            )


def _nothing(names: tuple[str, ...]) -> CalzionError:
    wanted = [file for buildpack in SHIPPED for file in ROOT_FILES[buildpack]]
    there = sorted(names)[:_SHOWN] + (["..."] if len(names) > _SHOWN else [])
    return CalzionError(
        "no buildpack fits: nothing at the root says what kind of app this is",
        hint="add one of the files that are looked for, or point the service's 'git:' at the app's directory",
        code="build",
        detail=[
            f"looked for: {', '.join(wanted)}, public/index.html, .buildpacks",
            f"at the root: {', '.join(there) or 'nothing'}",
        ],
    )
