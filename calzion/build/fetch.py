"""Fetching in the sandbox, by calzion.build.fetching: what is asked for, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import calzion
from calzion.build.child import Ending
from calzion.build.directory import DirectoryTree
from calzion.build.sandbox import OUT
from calzion.build.scratch import Scratch
from calzion.build.workshop import Workshop
from calzion.errors import CalzionError
from calzion.host.sandbox import RUNTIMES, Mount
from calzion.images.recipe import LIBRARY
from calzion.model import Cancellation
from calzion.template.address import Address

MAX_SIZE = 256 << 20
"""Bytes of one repository or archive."""

_JOB = f"{RUNTIMES}/job.json"
_RESULT = "fetched.json"
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from calzion.build.fetching.__main__ import main;"
    " main(*sys.argv[2:])"
)
_GRACE = 5.0
_LONGEST_RESULT = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Task:
    """`kind` is resolve (`version` is a ref), repository (a commit), submodule (a commit) or archive.

    `into` is the directory inside that the files are placed in; `label` is shown.
    """

    kind: str
    url: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    version: str = ""
    label: str = ""
    into: str = ""
    path: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`version` of what was found, '' where there is none; or why it failed, and whether the network did."""

    version: str = ""
    error: str = ""
    away: bool = False


def task(kind: str, address: Address, **more: str) -> Task:
    return Task(kind=kind, url=address.url, user=address.user, password=address.password, **more)


def fetch(
    workshop: Workshop,
    place: Scratch,
    tasks: Sequence[Task],
    *,
    seconds: float,
    cancellation: Cancellation,
    told: Callable[[str], None],
) -> list[Answer]:
    """Carry out all tasks within `seconds`. Raises CalzionError (cancelled, build), OSError."""
    job = json.dumps({"seconds": seconds, "size": MAX_SIZE, "tasks": [asdict(each) for each in tasks]})
    ending, _ = workshop.within(seconds + _GRACE).run(
        place,
        (Mount(source=Path(calzion.__file__).parent, target=f"{LIBRARY}/calzion"), place.file(_JOB, job)),
        [workshop.interpreter, "-IS", "-c", _START, LIBRARY, _JOB, f"{OUT}/{_RESULT}"],
        commit="",
        cancellation=cancellation,
        told=told,
    )
    if ending.cancelled:
        raise CalzionError("the build was cancelled", code="cancelled")
    if ending.timed_out:
        return [Answer(error="it took too long", away=True) for _ in tasks]
    return _answers(place, ending, len(tasks))


def _answers(place: Scratch, ending: Ending, count: int) -> list[Answer]:
    try:
        found = json.loads(DirectoryTree(place.out).read(_RESULT, _LONGEST_RESULT) or b"")
        answers = [_answer(item) for item in found]
    except (ValueError, TypeError, AttributeError):
        answers = []
    if ending.status or len(answers) != count:
        raise CalzionError(
            "what the build needs from elsewhere could not be fetched",
            code="build",
            detail=list(ending.lines),
        )
    return answers


def _answer(item: dict[str, Any]) -> Answer:
    return Answer(
        version=str(item.get("version", "")), error=str(item.get("error", "")), away=item.get("away") is True
    )
