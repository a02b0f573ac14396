"""The story of every release, kept as a file of events that can be read while it is written."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path

from calzion.errors import CalzionError
from calzion.progress import Event, Story

MAX_BYTES = 16 << 20
"""Beyond this a story keeps steps and its end, but no more log lines."""


class StoryBook:
    """Stories below one directory, by deployment id and release number. One process writes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._changed = threading.Condition()
        self._writing: set[Path] = set()

    def write(self, deployment_id: int, number: int, listener: Callable[[Event], None]) -> StoryWriter:
        """A Story whose events go to the file and to `listener`; it ends with `close`."""
        path = self._path(deployment_id, number)
        with self._changed:
            self._writing.add(path)
        return StoryWriter(path, listener, self._notify, self._close)

    def read(self, deployment_id: int, number: int, after: int = 0, follow: bool = True) -> Iterator[Event]:
        """The events after the first `after`; with `follow`, also those that are still to come."""
        path = self._path(deployment_id, number)
        if not path.exists():
            raise CalzionError(f"v{number} has no story", code="not_found")
        with path.open(encoding="utf-8") as file:
            seen = 0
            while True:
                with self._changed:
                    growing = follow and path in self._writing
                line = file.readline()
                if line.endswith("\n"):
                    seen += 1
                    if seen > after:
                        yield Event.from_json(line)
                elif not growing:
                    return
                else:
                    self._await_growth(path, file.tell() + len(line.encode()))
                    if line:
                        file.seek(file.tell() - len(line.encode()))

    def forget(self, deployment_id: int) -> None:
        shutil.rmtree(self._directory / str(deployment_id), ignore_errors=True)

    def prune(self, first: Mapping[int, int]) -> None:
        """Keep the stories of these deployments, by id, from the release of that number on; forget all others."""
        if not self._directory.is_dir():
            return
        for directory in self._directory.glob("[0-9]*"):
            oldest = first.get(int(directory.name))
            if oldest is None:
                shutil.rmtree(directory, ignore_errors=True)
                continue
            for path in directory.glob("*.jsonl"):
                if path.stem.isdigit() and int(path.stem) < oldest:
                    path.unlink(missing_ok=True)

    def _path(self, deployment_id: int, number: int) -> Path:
        return self._directory / str(deployment_id) / f"{number}.jsonl"

    def _await_growth(self, path: Path, size: int) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: path not in self._writing or not path.exists() or path.stat().st_size > size,
                timeout=10,
            )

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _close(self, path: Path) -> None:
        with self._changed:
            self._writing.discard(path)
            self._changed.notify_all()


class StoryWriter(Story):
    """A Story that is kept. Its lines are flushed one by one, and durable when it is closed.

    Where they can't be kept (a full disk), they are still told: a story must not end what it tells of.
    """

    def __init__(
        self,
        path: Path,
        listener: Callable[[Event], None],
        grown: Callable[[], None],
        closed: Callable[[Path], None],
    ) -> None:
        super().__init__(self._record)
        self._path = path
        self._file = _open(path)
        self._size = os.fstat(self._file.fileno()).st_size
        self._tell = listener
        self._grown = grown
        self._closed = closed

    def close(self) -> None:
        with suppress(OSError):
            os.fsync(self._file.fileno())
        with suppress(OSError):
            self._file.close()
        self._closed(self._path)

    def _record(self, event: Event) -> None:
        if event.kind != "log" or self._size < MAX_BYTES:
            with suppress(OSError):
                self._keep(event.to_json().encode(errors="backslashreplace") + b"\n")
            self._grown()
        self._tell(event)

    def _keep(self, line: bytes) -> None:
        """All of it or nothing: the disk may have room for a part of it."""
        if self._file.write(line) == len(line):
            self._size += len(line)
        else:
            self._file.truncate(self._size)


def _open(path: Path) -> FileIO:
    """A new story. Unbuffered: what could not be written would be tried again by whatever comes next."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileIO(path, "a")
    except OSError:
        return FileIO(os.devnull, "a")
