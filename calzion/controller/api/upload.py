"""Uploaded code on its way in, and the first line of what is done with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import falcon

from calzion.controller.api import body
from calzion.errors import CalzionError


class Whole:
    """A body that must not end early: an archive that was cut off between two files looks complete."""

    def __init__(self, request: falcon.Request) -> None:
        self._stream = request.stream
        # A chunked body that is cut off is an error of the server's already.
        self._left = None if body.is_chunked(request) else request.content_length or 0

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size)
        if self._left is not None:
            self._left -= len(data)
            if not data and size and self._left > 0:
                raise OSError(f"it was cut off {self._left} bytes before its end")
        return data


def fail_early(lines: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Read up to the first line, so that an error that comes first becomes the response's status."""
    first = next(lines, None)
    if first is None:
        return iter(())
    if first.get("kind") == "error":
        raise CalzionError.from_dict(dict(first.get("detail") or {}))
    return chain([first], lines)
