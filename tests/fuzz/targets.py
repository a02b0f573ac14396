"""What must hold for any bytes at the doors that hostile bytes come to. Each target raises where it does not."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from contextlib import suppress

from calzion.build.output import MAX_LINE, Lines, clean
from calzion.build.procfile import parse_procfile
from calzion.errors import CalzionError
from calzion.gitreceive.hook import parse_request
from calzion.gitreceive.rawobject import entries_of, tree_of
from calzion.gitreceive.request import PushRequest
from calzion.gitreceive.updates import Tag, parse_updates
from calzion.model import RepositoryName, ServiceName
from calzion.progress import ERROR, Event, as_text
from calzion.sshd.command import parse_exec
from calzion.sshd.relay import plain
from calzion.template import as_keys, parse_service, parse_template

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_PLACE = re.compile(r"[\x20-\x7e]{1,1100}:[1-9][0-9]*:[1-9][0-9]*: \S")
_INCLUDED = b"\n%%%%\n"
"""Between the files of a template's input."""


def exec_line(data: bytes) -> None:
    """A line is refused in printable words, or a shell would read it as a service and the one name."""
    try:
        found = parse_exec(data)
    except CalzionError as error:
        _in_words(error)
        return
    assert _LABEL.fullmatch(found.repository), found
    command, path = shlex.split(data.decode().replace("git ", "git-", 1))
    assert command == f"git-{found.service}"
    assert path.removeprefix("/").removesuffix(".git") == found.repository


def hook_input(data: bytes) -> None:
    """What the hook hands over is no question, or one that is decided on the same way behind the push socket."""
    try:
        asked = parse_request(data)
    except ValueError:
        return
    request = PushRequest(
        repository=RepositoryName("x"),
        path="/x",
        quarantine=asked.quarantine,
        user="x",
        fingerprint="x",
        updates=asked.updates,
        options=asked.options,
    )
    assert PushRequest.from_dict(json.loads(json.dumps(request.as_dict()))) == request
    try:
        decided = parse_updates(request.updates, request.options)
    except CalzionError as error:
        _in_words(error)
        return
    if isinstance(decided, Tag):
        assert all(update.ref.startswith("refs/tags/") for update in request.updates)
        _in_words(CalzionError(decided.message))
    else:
        assert _LABEL.fullmatch(decided.deployment)
        assert [update.ref for update in request.updates] == [f"refs/heads/{decided.deployment}"]


def template(data: bytes) -> None:
    """A template is refused with places, or what came of it survives the store."""
    text, *included = data.split(_INCLUDED)
    files = {f"{number}.yaml": each for number, each in enumerate(included)}
    try:
        found = parse_template(text, read=files.get)
    except CalzionError as error:
        _in_words(error)
        assert isinstance(error.detail, list) and error.detail
        assert all(_PLACE.match(line) or line.startswith("... and ") for line in error.detail), error.detail
        return
    for definition in found.services:
        assert _LABEL.fullmatch(definition.name)
        stored = json.loads(json.dumps(as_keys(definition)))
        assert parse_service(ServiceName(definition.name), stored) == definition


def procfile(data: bytes) -> None:
    """A Procfile is refused in words, or its commands are lines as they were written."""
    try:
        found = parse_procfile(data)
    except CalzionError as error:
        _in_words(error)
        return
    for name, command in found:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,63}", name)
        assert command and "\0" not in command and "\n" not in command
        assert command.encode() in data


def output(data: bytes) -> None:
    """Whatever a build writes, in whatever pieces, comes out as plain lines of bounded length."""
    whole, pieces = Lines(), Lines()
    told = [*whole.feed(data), *whole.end()]
    parts = [data[at : at + 7] for at in range(0, len(data), 7)]
    assert [line for part in parts for line in pieces.feed(part)] + list(pieces.end()) == told
    for line in told:
        assert len(line) <= MAX_LINE and plain(line) == line == clean(line.encode())


def objects(data: bytes) -> None:
    """A commit and a tree are read, or are none: nothing else happens."""
    with suppress(ValueError):
        assert re.fullmatch("[0-9a-f]{40}", tree_of(data))
    with suppress(ValueError):
        for name, mode, object_id in entries_of(data):
            assert b"\0" not in name and 0 <= mode < 1 << 21 and len(object_id) == 40


def _in_words(error: CalzionError) -> None:
    """As a pusher's terminal gets it: nothing that steers it, and nothing that JSON can't hold."""
    event = Event(kind=ERROR, text=error.message, detail=error.as_dict())
    lines = as_text(Event.from_json(event.to_json()))
    assert lines
    for line in lines:
        assert plain(line) == line, line
        line.encode()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "exec_line": exec_line,
    "hook_input": hook_input,
    "template": template,
    "procfile": procfile,
    "output": output,
    "objects": objects,
}
