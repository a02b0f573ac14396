"""One task of the backend whose output, or whose input, is in the controller's own hands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from calzion.backends.protocol import STDOUT, Attached
from calzion.controller.locks import check_cancelled
from calzion.controller.parts import Parts
from calzion.controller.pipe import Tail
from calzion.model import Cancellation, Exit, RunSpec


@dataclass(frozen=True, kw_only=True)
class Ended:
    """`lines` are the last ones that the task said besides."""

    exit: Exit
    lines: list[str]


def pour_out(parts: Parts, spec: RunSpec, take: Callable[[bytes], None], cancellation: Cancellation) -> Ended:
    """Run a task, and have `take` called with all that it writes. Raises CalzionError (cancelled, start)."""
    said = Tail()
    with _running(parts, spec, cancellation) as task:
        task.end_input()
        while chunk := task.read():
            stream, data = chunk
            if stream == STDOUT:
                take(data)
            else:
                said.add(data)
        exit_ = task.wait()
    check_cancelled(cancellation)
    return Ended(exit=exit_, lines=said.lines)


def pour_in(parts: Parts, spec: RunSpec, chunks: Iterable[bytes], cancellation: Cancellation) -> Ended:
    """Run a task that is given all of `chunks`, or less where it ends sooner.

    Raises CalzionError (cancelled, start).
    """
    said, over = Tail(), threading.Event()

    def listen(task: Attached) -> None:
        while chunk := task.read():
            said.add(chunk[1])
        over.set()

    with _running(parts, spec, cancellation) as task:
        listening = threading.Thread(target=listen, args=(task,), name="copy", daemon=True)
        listening.start()
        try:
            for chunk in chunks:
                if over.is_set() or cancellation.cancelled():
                    break
                task.write(chunk)
            task.end_input()
        except BaseException:
            task.hang_up()
            raise
        finally:
            listening.join()
        exit_ = task.wait()
    check_cancelled(cancellation)
    return Ended(exit=exit_, lines=said.lines)


@contextmanager
def _running(parts: Parts, spec: RunSpec, cancellation: Cancellation) -> Iterator[Attached]:
    check_cancelled(cancellation)
    # The store knows nothing of it: this keeps the reconciler from ending it as an orphan.
    parts.tasks.add(spec.id)
    try:
        with closing(parts.backend.attach(spec, None)) as task:
            forget = cancellation.on_cancel(task.hang_up)
            try:
                yield task
            finally:
                forget()
    finally:
        parts.tasks.discard(spec.id)
