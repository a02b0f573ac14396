"""The event stream of a deploy: what happens is told as events, and each reader has a face for them.

The last event is `done` or `error`; a stream that ends without either has failed.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from calzion.errors import LAST_LINES_TITLE, LONGEST_LINE, CalzionError
from calzion.redaction import Mask

STEP, LOG, WARNING, ERROR, DONE = "step", "log", "warning", "error", "done"
LAST = frozenset({ERROR, DONE})

_SIGHT = 60
"""How many of the last lines a reader sees without searching."""

_TOLD_LIVE = frozenset({"build", "release"})
"""Codes of phases whose output is told while they run. An instance's own output never is."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """`source` names the service that a log line comes from; `detail` is the error's or result's JSON data."""

    kind: str
    text: str
    source: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def is_last(self) -> bool:
        return self.kind in LAST

    def to_json(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value}, ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> Event:
        data = json.loads(line)
        return cls(
            kind=str(data["kind"]),
            text=str(data.get("text", "")),
            source=str(data.get("source", "")),
            detail=dict(data.get("detail") or {}),
        )


class Story:
    """A Sink that hands every event to one listener, one at a time. What `mask` hides is told to nobody."""

    def __init__(self, listener: Callable[[Event], None], mask: Mask | None = None) -> None:
        self.mask = mask or Mask({})
        self._listener = listener
        self._lock = threading.Lock()

    def emit(self, event: Event) -> None:
        told = replace(event, text=self.mask.text(event.text), detail=self.mask.data(event.detail))
        with self._lock:
            self._listener(told)

    def step(self, text: str) -> None:
        self.emit(Event(kind=STEP, text=text))

    def log(self, text: str, source: str = "") -> None:
        self.emit(Event(kind=LOG, text=text, source=source))

    def warning(self, text: str) -> None:
        self.emit(Event(kind=WARNING, text=text))

    def done(self, text: str = "", **detail: Any) -> None:
        self.emit(Event(kind=DONE, text=text, detail=detail))

    def error(self, error: CalzionError) -> None:
        self.emit(Event(kind=ERROR, text=error.message, detail=error.as_dict()))


class InSight:
    """For one reader, who is shown every event of a stream: what `see` gives back."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_SIGHT)

    def see(self, event: Event) -> Event:
        """The event as it is to be shown: an error without the last lines that the reader has just seen.

        Whoever reads the error alone, or the stream as data, has them.
        """
        if event.kind == LOG:
            self._lines += [line[:LONGEST_LINE] for line in event.text.splitlines()]
        detail = event.detail.get("detail")
        if event.kind != ERROR or event.detail.get("code") not in _TOLD_LIVE or not isinstance(detail, list):
            return event
        return replace(event, detail={**event.detail, "detail": self._unseen(detail)})

    def _unseen(self, detail: Sequence[object]) -> Sequence[object]:
        if LAST_LINES_TITLE not in detail:
            return detail
        title = detail.index(LAST_LINES_TITLE)
        # One after the other, among lines of whatever else was told at the same time.
        seen = iter(self._lines)
        in_sight = all(any(line == each for each in seen) for line in detail[title + 1 :])
        return detail[:title] if in_sight else detail


def as_text(event: Event) -> list[str]:
    """The lines of an event as a pusher and a terminal see them, without colours."""
    if event.kind == STEP:
        return [f"-----> {line}" for line in event.text.splitlines()]
    if event.kind == LOG:
        prefix = f"{event.source}: " if event.source else ""
        return [f"       {prefix}{line}" for line in event.text.splitlines() or [""]]
    if event.kind == WARNING:
        return _problem(event.text)
    if event.kind == ERROR:
        return _error(event)
    return [f"-----> {line}" for line in event.text.splitlines()]


def _problem(text: str) -> list[str]:
    return [f" !     {line}" for line in text.splitlines()]


def _error(event: Event) -> list[str]:
    error = CalzionError.from_dict(event.detail)
    lines = _problem(event.text)
    for item in error.detail if isinstance(error.detail, list) else []:
        lines += [f"       {line}" for line in str(item).splitlines()]
    return lines + _problem(error.hint)
