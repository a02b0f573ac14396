"""Commands that can't be run."""

from __future__ import annotations

import re

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts, Phase
from calzion.causes.rule import BUILDING, RUNNING, explained, rule

PACKAGES = {
    "gunicorn": "gunicorn",
    "uvicorn": "uvicorn",
    "celery": "celery",
    "waitress-serve": "waitress",
    "hypercorn": "hypercorn",
    "daphne": "daphne",
    "alembic": "alembic",
    "flask": "flask",
}
"""Commands, and the Python packages that bring them."""

LANGUAGES = {
    "bundle": "Ruby",
    "ruby": "Ruby",
    "rails": "Ruby",
    "rake": "Ruby",
    "go": "Go",
    "java": "Java",
    "php": "PHP",
    "mix": "Elixir",
    "deno": "Deno",
    "bun": "Bun",
}
"""Commands of languages of which no buildpack ships with Calzion."""

DEVELOPMENT = frozenset(
    {"tsc", "vite", "webpack", "next", "nodemon", "ts-node", "tsx", "rimraf", "cross-env", "ng"}
)
"""Programs that npm packages bring, and that often stand among the development dependencies."""


def _not_found(match: re.Match[str], facts: Facts) -> Cause:
    command = match["command"]
    return Cause(f"the command {command!r} was not found", _hint(command, facts))


def _hint(command: str, facts: Facts) -> str:
    if command in PACKAGES:
        return f"add {PACKAGES[command]} to requirements.txt (or to pyproject.toml or Pipfile, and lock it)"
    if command in LANGUAGES:
        return (
            f"no buildpack for {LANGUAGES[command]} ships with Calzion: name one under 'buildpacks:' of"
            f" {facts.service}, by its address that ends in .git or an archive's"
        )
    if command in DEVELOPMENT:
        kind = "dependencies" if facts.phase is not Phase.BUILD else "devDependencies"
        return (
            f"list the package that brings {command} under {kind!r} of package.json, and commit the lock file;"
            " devDependencies are there for the build script alone"
        )
    if facts.phase is Phase.BUILD:
        return (
            "list the package that brings it among the app's dependencies; a system's program by an apt buildpack"
            f" in front of the others in 'buildpacks:' of {facts.service}"
        )
    return (
        "see whether it is spelled right in the Procfile (or 'cmd:', 'release:'), and whether a dependency of the app"
        " brings it"
    )


_COMMAND = r"(?P<command>[\w./+@-]{1,100})"
_CRLF = (
    "save it with LF line ends ('sed -i \"s/\\r$//\" FILE', or '* text=auto eol=lf' in .gitattributes),"
    " and commit it"
)

RULES = (
    rule(
        r"^/usr/bin/env: .(?P<program>\w+)\\r",
        "a script ends its lines with CR LF: its first line asks for a program named '{program}\\r'",
        _CRLF,
    ),
    rule(
        r"bad interpreter|: cannot execute: required file not found",
        "a script's first line names an interpreter that is not there, or ends with CR LF",
        "start it by its interpreter ('bash start.sh', 'python manage.py'); " + _CRLF,
    ),
    rule(r"^(?P<file>\S+): line \d+: .*\\r'", "{file} ends its lines with CR LF", _CRLF),
    rule(
        r"(?<!\S)(?P<file>\S+): cannot execute binary file",
        "{file} is a program for another kind of machine",
        "build it for this one (Linux, x86-64 or what the server is), or let the build make it",
    ),
    rule(
        r"^\S+: line \d+: (?P<file>\S+): Permission denied$",
        "{file} may not be executed",
        "commit it as executable ('git update-index --chmod=+x {file}'), or start it by its interpreter",
    ),
    rule(
        r"^python[\d.]*: can't open file '(?P<file>[^'\n]+)'",
        "{file} is not there",
        "name a file of the app in the Procfile, by its path from the app's directory, and see that it is committed",
    ),
    rule(
        r"^(?:/bin/)?(?:ba|)sh: (?:line \d+: |\d+: )?(?P<file>[\w./-]+): No such file or directory$",
        "{file} is not there",
        "name a file of the app, by its path from the app's directory, and see that it is committed, or that a"
        " buildpack makes it",
    ),
    explained(rf"line \d+: (?:exec: )?{_COMMAND}: (?:command )?not found$", _not_found),
    explained(rf"^(?:/bin/)?(?:ba|da|)sh: (?:\d+: )?{_COMMAND}: not found$", _not_found),
    explained(
        rf"^(?:exec|env|/usr/bin/env): ‘?{_COMMAND}’?: (?:not found|No such file or directory)$", _not_found
    ),
    explained(rf"command '{_COMMAND}' failed: No such file or directory$", _not_found, phases=BUILDING),
    rule(
        r'^(?:error )?Missing script: "?(?P<script>[\w:-]+)"?',
        "package.json has no script {script!r}",
        "add it under 'scripts' of package.json, or write a Procfile ('web: node server.js')",
    ),
    rule(
        r"Could not read package\.json: Error: ENOENT",
        "npm finds no package.json where it runs",
        "point 'git:' of {service} in template.yaml at the directory that has it",
        phases=RUNNING,
    ),
)
