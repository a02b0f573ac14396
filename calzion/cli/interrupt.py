"""Ctrl-C while a release rolls out."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from calzion.cli.problem import problem_lines
from calzion.errors import CalzionError


@contextmanager
def cancelling(cancel: Callable[[], None], under_way: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """The first Ctrl-C asks for the end, of which the events then tell; a second one leaves at once.

    What is not `under_way` yet is left by the first one: CalzionError (cancelled).
    """

    def ask() -> None:
        # Where it has just ended, the events say how.
        with suppress(CalzionError):
            cancel()

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        if not under_way():
            raise cancelled()
        signal.signal(signal.SIGINT, before)
        for line in problem_lines(CalzionError("cancelling; Ctrl-C again leaves at once")):
            print(line, file=sys.stderr, flush=True)
        # Not here: what the signal interrupted may hold the locks that this needs.
        threading.Thread(target=ask, name="cancel", daemon=True).start()

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def cancelled() -> CalzionError:
    return CalzionError("cancelled: nothing has changed", code="cancelled")
