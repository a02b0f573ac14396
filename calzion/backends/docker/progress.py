"""What an engine tells while it pulls an image, in lines that people read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SOONEST, _LATEST = 1.0, 10.0  # seconds from one line to the next
_STEP = 0.05  # of everything: what is worth a line before `_LATEST`
_DOWNLOADED = frozenset({"Download complete", "Verifying Checksum", "Extracting", "Pull complete"})

PullEvent = Mapping[str, Any]
"""One object of the answer of POST /images/create."""


class PullProgress:
    """How much of the layers that the engine has told of is here. `now` is in seconds, of whatever clock."""

    def __init__(self, now: float) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        self._told = (now, 0)

    def take(self, event: PullEvent, now: float) -> str:
        """A line such as '12 of 40 MB' where one is due, else ''."""
        layer, detail = str(event.get("id", "")), event.get("progressDetail") or {}
        if event.get("status") == "Downloading" and detail.get("total"):
            self._layers[layer] = (int(detail.get("current", 0)), int(detail["total"]))
        elif event.get("status") in _DOWNLOADED and layer in self._layers:
            total = self._layers[layer][1]
            self._layers[layer] = (total, total)
        return self._line(now)

    def _line(self, now: float) -> str:
        here, total = (
            (sum(each) for each in zip(*self._layers.values(), strict=True)) if self._layers else (0, 0)
        )
        passed, more = now - self._told[0], here - self._told[1]
        if passed < _SOONEST or (more < total * _STEP and passed < _LATEST) or not total:
            return ""
        self._told = (now, here)
        return f"{here / 1e6:.0f} of {total / 1e6:.0f} MB"
