"""Running an attached task to its end, a line of output at a time."""

from __future__ import annotations

import codecs
import threading
from collections.abc import Callable, Iterator

from calzion.backends.docker.attached import AttachedContainer
from calzion.model import Cancellation, Exit

_PAUSE = 0.05  # seconds between looks whether the task was cancelled


def run_attached(task: AttachedContainer, output: Callable[[str], None], cancellation: Cancellation) -> Exit:
    """Give every line to `output`, hang up where it is cancelled, and say how it ended. Nothing is left of it."""
    ended = threading.Event()
    watcher = threading.Thread(target=_hang_up_when_cancelled, args=(task, cancellation, ended), daemon=True)
    watcher.start()
    try:
        task.end_input()
        for line in _lines(task):
            output(line)
        return task.wait()
    finally:
        ended.set()
        task.close()
        watcher.join()


def _hang_up_when_cancelled(
    task: AttachedContainer, cancellation: Cancellation, ended: threading.Event
) -> None:
    while not ended.wait(_PAUSE):
        if cancellation.cancelled():
            task.hang_up()
            return


def _lines(task: AttachedContainer) -> Iterator[str]:
    decoder, held = codecs.getincrementaldecoder("utf-8")("replace"), ""
    for _, data in iter(task.read, None):
        *whole, held = (held + decoder.decode(data)).split("\n")
        yield from (line.rstrip("\r") for line in whole)
    if held:
        yield held
