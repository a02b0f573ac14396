"""What the end of a build means, in the words of whoever pushed. Pure."""

from __future__ import annotations

from calzion.build.child import Ending
from calzion.build.failure import explain
from calzion.build.limits import BuildLimits
from calzion.causes import Facts, Phase, failed
from calzion.errors import CalzionError
from calzion.model import Exit


def judge(service: str, ending: Ending, limits: BuildLimits, *, out_of_memory: bool) -> None:
    """Raise CalzionError (build, cancelled) unless the build succeeded."""
    if ending.cancelled:
        raise CalzionError(f"{service}: the build was cancelled", code="cancelled")
    if ending.timed_out:
        raise _failed(
            f"{service}: the build took longer than {limits.timeout:g} seconds and was ended",
            ending,
            hint="the setting build-timeout says how long a build may take",
        )
    if ending.status and out_of_memory:
        raise _failed(
            f"{service}: the build took more than {size_text(limits.memory)} of memory",
            ending,
            hint="the setting build-memory says how much a build may take",
        )
    if ending.status:
        facts = Facts(phase=Phase.BUILD, lines=ending.lines, service=service, exit=Exit(status=ending.status))
        raise failed(
            facts, f"{service}: build failed (exit code {ending.status})", shown=explain(ending.lines)
        )


def check_size(service: str, size: int, limits: BuildLimits) -> None:
    """Raise CalzionError (build) where a slug of `size` bytes is too large."""
    if size > limits.slug_size:
        raise CalzionError(
            f"{service}: the slug is {size_text(size)} large; {size_text(limits.slug_size)} are allowed",
            hint="list what is not needed at run time in .slugignore",
            code="build",
        )


def size_text(count: int) -> str:
    for unit, bytes_each in (("G", 1 << 30), ("M", 1 << 20)):
        if count >= bytes_each:
            return f"{count / bytes_each:.4g}{unit}"
    return f"{count} bytes"


def _failed(message: str, ending: Ending, hint: str = "") -> CalzionError:
    return CalzionError(message, hint=hint, code="build", detail=explain(ending.lines))
