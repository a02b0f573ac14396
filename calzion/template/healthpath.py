"""The path that a health check asks for."""

from __future__ import annotations

import re

from calzion.template.data import Data, shown
from calzion.template.interpolation import skeleton
from calzion.template.problem import Misfit
from calzion.template.text import text

_MAX_PATH = 1024
_PATH = re.compile(r"/[!-~]*")


def health_path(value: Data) -> str:
    """An HTTP request's path and query (origin-form of RFC 9112); may hold references. Raises Misfit."""
    path = text(value, "a path such as /healthz")
    shape = "/" + skeleton(path) if path.startswith("${") else skeleton(path)
    if not _PATH.fullmatch(shape) or "#" in shape or len(path) > _MAX_PATH:
        raise Misfit(f"{shown(path)} is no path of a request: begin with '/', without spaces and '#'")
    return path
