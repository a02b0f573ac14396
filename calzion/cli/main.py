"""The entry of `calzion`: the only reader of the environment, and the one catcher of CalzionError."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, MutableMapping
from contextlib import suppress

INTERRUPTED = 130


def main() -> None:
    """Run the command line; ends the process with its status."""
    sys.exit(run(sys.argv[1:], os.environ))


def run(arguments: list[str], environ: MutableMapping[str, str]) -> int:
    """Run the arguments; returns the exit status, and has printed what went wrong."""
    try:
        status = _runner(environ)(arguments)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _abandon_output()
    except Exception as error:
        return _report(error)


def _runner(environ: MutableMapping[str, str]) -> Callable[[list[str]], int]:
    """What runs the arguments: one of Calzion's own processes, or the command that a person typed."""
    if part := environ.pop("CALZION_PART", ""):
        from calzion.cli.part import run_own_part

        return lambda arguments: run_own_part(part, arguments, environ, os.getuid())
    from calzion.cli.program import run_program

    return lambda arguments: run_program(arguments, environ, os.getuid())


def _report(error: Exception) -> int:
    """Print a CalzionError and return its exit status; anything else is a bug, and raised."""
    from calzion.cli.problem import problem_lines
    from calzion.errors import CODES, CalzionError

    if not isinstance(error, CalzionError):
        raise error
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    for line in problem_lines(error):
        print(line, file=sys.stderr)
    return CODES[error.code].exit


def _abandon_output() -> int:
    """The reader of our output is gone (`calzion list | head`): end quietly, also in Python's last flush."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return 1
