"""A template on this machine, and the files that it includes."""

from __future__ import annotations

import os
from pathlib import Path

from calzion.build.directory import DirectoryTree
from calzion.errors import CalzionError

_LIMIT = (1 << 20) + 1
"""One more than a template may have: what is larger is refused where it is parsed."""


class TemplateFiles:
    """Reads below `root`, the repository's, never out of it, and remembers in `names` what was included."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tree = DirectoryTree(root)
        self.names: list[str] = []

    def name_of(self, path: Path) -> str:
        """The path from the root."""
        return os.path.relpath(path, self._root)

    def read(self, name: str) -> bytes | None:
        """An included file, None where there is none. Raises ValueError with a reason."""
        content = self._tree.read(name)
        if content is not None:
            self.names.append(name)
        return content


def read_template(path: Path) -> bytes:
    """The template that a user names. Raises CalzionError (not_found, usage)."""
    try:
        with path.open("rb") as opened:
            return opened.read(_LIMIT)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise CalzionError(
            f"{path} can't be read: {error.strerror or error}",
            code="not_found" if missing else "usage",
            hint="'calzion init' writes a first template" if missing else "",
        ) from error
