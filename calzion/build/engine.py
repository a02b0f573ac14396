"""What a build says where the engine fails it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from docker.errors import APIError

from calzion.backends.docker.engine import explain, problem, reachable
from calzion.errors import CalzionError


@contextlib.contextmanager
def engine_errors() -> Iterator[None]:
    """Raises CalzionError (unsupported, build) for what the engine can't do."""
    try:
        with reachable():
            yield
    except APIError as error:
        why, hint = problem(error)
        raise CalzionError(
            f"the build's container could not be run: {why}",
            hint=hint or "'calzion doctor' looks at the engine",
            detail=[explain(error)] if hint else None,
            code="build",
        ) from error
