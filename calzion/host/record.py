"""What stays on disk about a running instance, for the next host daemon to adopt it. No secrets."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOM = 4096
"""Bytes that a record takes at least."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """`pid` and `start` (clock ticks since boot) name the outer process; `started` is seconds since 1970."""

    id: str
    deployment: str
    service: str
    process_type: str
    release: int
    boot: str
    pid: int
    start: int
    started: float
    uid: int
    address: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    appliance: str | None = None
    restart: bool = True
    task: bool = False
    restarts: int = 0
    stop_signal: str = "SIGTERM"
    stop_timeout: float = 30.0

    @staticmethod
    def reserve(path: Path) -> None:
        """Take the room for a record, before there is a process that it must tell of. Raises OSError."""
        _new(path).write_bytes(b" " * ROOM)

    def write(self, path: Path) -> None:
        """Replace the file. Not synced to disk: after a crash of the machine no process is left to adopt."""
        new = _new(path)
        with new.open("r+b" if new.exists() else "wb") as file:
            file.write(json.dumps(asdict(self)).encode().ljust(ROOM))
        new.replace(path)

    @classmethod
    def read(cls, path: Path) -> Record | None:
        """The record; None where there is none that can be understood."""
        try:
            data: dict[str, Any] = json.loads(path.read_text())
            return cls(**data)
        except (OSError, ValueError, TypeError):
            return None


def _new(path: Path) -> Path:
    return path.with_suffix(".new")
