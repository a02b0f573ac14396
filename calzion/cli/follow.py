"""Event streams on the terminal: told line by line, and their last event decides."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TextIO

from calzion.cli.client import lost
from calzion.cli.invocation import Invocation
from calzion.cli.sse import Message
from calzion.cli.terminal import BOLD, RED, YELLOW, colourful, painted
from calzion.errors import CalzionError
from calzion.progress import DONE, ERROR, STEP, WARNING, Event, InSight, as_text

_COLOURS = {STEP: BOLD, DONE: BOLD, WARNING: YELLOW, ERROR: RED}


def events(stream: Iterator[Message]) -> Iterator[Event]:
    """The events of a stream. Raises CalzionError where it holds something else."""
    for message in stream:
        try:
            yield Event.from_json(message.data)
        except (ValueError, KeyError, TypeError) as error:
            raise CalzionError("the server's events can't be read; is it of another version?") from error


def follow(stream: Iterator[Event], show: Callable[[Event], None]) -> None:
    """Show every event. Raises the CalzionError of an `error` event, or of a stream without an end.

    The error lacks the lines that were just shown.
    """
    in_sight = InSight()
    for event in map(in_sight.see, stream):
        if event.kind == ERROR:
            raise CalzionError.from_dict({"message": event.text, **event.detail})
        show(event)
        if event.kind == DONE:
            return
    raise lost()


def printer(invocation: Invocation, stream: TextIO | None = None) -> Callable[[Event], None]:
    """Prints events as a pusher sees them, with colours where they belong; on standard output unless told."""
    stream = stream or sys.stdout
    colours = colourful(stream, invocation.environ)

    def show(event: Event) -> None:
        colour = _COLOURS.get(event.kind) if colours else None
        for line in as_text(event):
            print(painted(line, colour) if colour else line, file=stream, flush=True)

    return show


@dataclass(frozen=True)
class LogLine:
    """`time` is seconds since the epoch."""

    instance: str
    text: str
    time: float


def log_lines(stream: Iterator[Message]) -> Iterator[LogLine]:
    """Every line of a log stream. Raises the CalzionError of an `error` message."""
    for message in stream:
        data = json.loads(message.data)
        if message.event == "error" or data.get("kind") == ERROR:
            raise CalzionError.from_dict(data.get("detail") or data)
        yield LogLine(str(data.get("instance", "")), str(data.get("text", "")), float(data.get("time") or 0))
