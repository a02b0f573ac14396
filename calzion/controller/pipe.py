"""Two tasks of the backend with a pipe between them: what the one writes, the other reads."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import ExitStack, closing

from calzion.backends.protocol import STDOUT, Attached
from calzion.controller.locks import check_cancelled
from calzion.controller.parts import Parts
from calzion.model import Cancellation, Exit, RunSpec

PROGRESS_INTERVAL = 10.0
"""Seconds between two words on how far it is."""

_KEPT_LINES = 30
_LONGEST_ERROR = 1 << 16


class Pipe:
    """Runs `source` into `target`, telling `progress` how many bytes have passed.

    Afterwards `exits` says how the two ended, `errors` what each said besides, and `passed` how many bytes there were;
    `refused` where the target ended before it had all.
    """

    def __init__(
        self, parts: Parts, source: RunSpec, target: RunSpec, progress: Callable[[int], None]
    ) -> None:
        self._parts = parts
        self._specs = (source, target)
        self._progress = progress
        self._fed = threading.Event()
        self._read = Exit(signal="SIGKILL")  # until it is known to be better
        self.passed = 0
        self.refused = False
        self.errors = (Tail(), Tail())
        self.exits = (Exit(status=0), Exit(status=0))

    def run(self, cancellation: Cancellation, fine: Collection[int | None]) -> None:
        """Where the source ends with a code that is not `fine`, the target is hung up before it sees an end.

        Raises CalzionError (cancelled, and start where one can't be started).
        """
        ids = {spec.id for spec in self._specs}
        # The store knows nothing of them: this keeps the reconciler from ending them as orphans.
        self._parts.tasks.update(ids)
        try:
            with ExitStack() as stack:
                reader, writer = (
                    stack.enter_context(closing(self._parts.backend.attach(spec, None)))
                    for spec in reversed(self._specs)
                )
                self._run(writer, reader, cancellation, fine)
        finally:
            self._parts.tasks.difference_update(ids)
        check_cancelled(cancellation)

    def _run(
        self, writer: Attached, reader: Attached, cancellation: Cancellation, fine: Collection[int | None]
    ) -> None:
        def give_up() -> None:
            writer.hang_up()
            reader.hang_up()

        listening = threading.Thread(target=self._listen, args=(reader, writer), name="copy", daemon=True)
        listening.start()
        forget = cancellation.on_cancel(give_up)
        try:
            writer.end_input()
            self._pass_on(writer, reader)
            written = writer.wait()
            self._fed.set()
            if written.status not in fine:
                reader.hang_up()
            reader.end_input()
        except BaseException:
            give_up()
            raise
        finally:
            forget()
            listening.join()
        self.exits = (written, self._read)

    def _pass_on(self, writer: Attached, reader: Attached) -> None:
        told = time.monotonic()
        while chunk := writer.read():
            stream, data = chunk
            if stream != STDOUT:
                self.errors[0].add(data)
                continue
            reader.write(data)
            self.passed += len(data)
            if time.monotonic() - told > PROGRESS_INTERVAL:
                told = time.monotonic()
                self._progress(self.passed)

    def _listen(self, reader: Attached, writer: Attached) -> None:
        while chunk := reader.read():
            self.errors[1].add(chunk[1])
        self._read = reader.wait()
        # One that has all it needs may end before it sees the end.
        if self._read.status != 0 and not self._fed.is_set():
            self.refused = True
            writer.hang_up()


class Tail:
    """The last lines of what a program says."""

    def __init__(self) -> None:
        self._data = b""

    def add(self, data: bytes) -> None:
        self._data = (self._data + data)[-_LONGEST_ERROR:]

    @property
    def lines(self) -> list[str]:
        text = self._data.decode(errors="replace")
        return list(deque((line.rstrip() for line in text.splitlines() if line.strip()), _KEPT_LINES))
