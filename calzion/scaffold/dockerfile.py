"""What a Dockerfile starts: the only thing that is wanted of it where a buildpack builds the app."""

from __future__ import annotations

import json
import re
import shlex

from calzion.scaffold.tree import Tree, below

FILE = "Dockerfile"
_WORKDIR = re.compile(r"WORKDIR[ \t]+[\"']?(/[\w./-]+)[\"']?", re.IGNORECASE)
_EXPOSE = re.compile(r"EXPOSE[ \t]+(\d{1,5})\b", re.IGNORECASE | re.ASCII)
_INSTRUCTION = re.compile(r"(FROM|CMD|ENTRYPOINT)[ \t]+(.+)", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"nginx|httpd|httpd-foreground|apache2|apache2ctl|apache2-foreground|caddy|java|catalina\.sh|php-fpm"
)
"""Programs that come with the image, not with the app."""

_INSTALLED = re.compile(
    r"^/[\w./-]*/bin/"
    r"(?=(?:python[\d.]*|gunicorn|uvicorn|hypercorn|daphne|celery|flask|uwsgi|node|npm|npx|yarn|pnpm)(?: |$))"
)
"""Where an image has a program of a runtime or of the app's dependencies: elsewhere it is on PATH."""


def started(content: bytes) -> str | None:
    """The command for a shell that the last stage starts; None where it says none, or one of the image's own."""
    entrypoint = command = ""
    for line in _lines(content):
        match = _INSTRUCTION.fullmatch(line)
        if match is None:
            continue
        instruction = match[1].upper()
        if instruction == "FROM":
            entrypoint = command = ""
        elif instruction == "CMD":
            command = _shell(match[2])
        else:
            entrypoint, command = _shell(match[2]), ""
    words = _INSTALLED.sub("", f"{entrypoint} {command}".strip())
    program = words.partition(" ")[0].rpartition("/")[2]
    return None if not words or _ELSEWHERE.fullmatch(program) else words


def workdirs(tree: Tree, directory: str) -> tuple[str, ...]:
    """Where the Dockerfile of the directory puts the code: its last working directory, if it says one."""
    found: tuple[str, ...] = ()
    for line in _lines(tree.read(below(directory, FILE)) or b""):
        match = _WORKDIR.fullmatch(line)
        if match:
            found = (match[1].rstrip("/"),)
    return found


def exposed(content: bytes) -> list[int]:
    """The ports that the Dockerfile says its program listens on."""
    found = (match[1] for line in _lines(content) if (match := _EXPOSE.match(line)))
    return [int(number) for number in found if 0 < int(number) < 65536]


def _lines(content: bytes) -> list[str]:
    """Logical lines, comments left out."""
    text = content.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    lines = (line for line in text.split("\n") if not line.lstrip().startswith("#"))
    return [line.strip() for line in re.sub(r"\\[ \t]*\n", " ", "\n".join(lines)).split("\n")]


def _shell(text: str) -> str:
    """Both forms: a JSON list of words, or a line for a shell."""
    if text.startswith("["):
        try:
            words = json.loads(text)
        except (ValueError, RecursionError):
            return text
        if isinstance(words, list):
            return shlex.join(str(word) for word in words)
    return text
