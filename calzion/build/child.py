"""One child process: its output line by line as it comes, its time limit, its cancellation."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from calzion.build.following import QUIET, follow
from calzion.build.output import MAX_TOTAL, Lines
from calzion.model import Cancellation


@dataclass(frozen=True, kw_only=True)
class Ending:
    """`status` as a shell gives it: 128 + n after a signal."""

    status: int
    timed_out: bool = False
    cancelled: bool = False
    lines: tuple[str, ...] = ()


def run_child(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    timeout: float,
    cancellation: Cancellation,
    told: Callable[[str], None],
    quiet: float = QUIET,
    log: int = MAX_TOTAL,
) -> Ending:
    """Run to the end; `told` gets each line, and a word of its own after `quiet` seconds without one. The child is
    killed after `timeout` seconds, or when cancelled. Of its output, `log` bytes are told.

    The calling thread must live as long as the child, which dies with it. Raises OSError.
    """
    with subprocess.Popen(
        arguments,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None
        undo = cancellation.on_cancel(child.kill)
        lines = Lines(log)
        try:
            timed_out = follow(
                child.stdout.fileno(), lines, timeout=timeout, kill=child.kill, told=told, quiet=quiet
            )
        except BaseException:
            child.kill()
            raise
        finally:
            undo()
        status = child.wait()
    return Ending(
        status=128 - status if status < 0 else status,
        timed_out=timed_out,
        cancelled=cancellation.cancelled(),
        lines=tuple(lines.last),
    )
