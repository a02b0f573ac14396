"""What a build says where the engine fails it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from docker.errors import APIError

from calzion.backends.docker.engine import explain, reachable
from calzion.errors import CalzionError


@contextlib.contextmanager
def engine_errors() -> Iterator[None]:
    """Raises CalzionError (unsupported, build) for what the engine can't do."""
    try:
        with reachable():
            yield
    except APIError as error:
        raise CalzionError(
            f"the build's container could not be run: {explain(error)}",
            hint="'calzion doctor' looks at the engine",
            code="build",
        ) from error
