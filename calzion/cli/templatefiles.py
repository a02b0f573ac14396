"""The files that a template on this machine includes."""

from __future__ import annotations

import os
from pathlib import Path

MAX_BYTES = 1 << 20


class TemplateFiles:
    """Reads below `root`, the repository's, and remembers in `names` what was there."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.names: list[str] = []

    def name_of(self, path: Path) -> str:
        """The path from the root."""
        return os.path.relpath(path, self._root)

    def read(self, name: str) -> bytes | None:
        """None where there is no such file. Raises ValueError with a reason."""
        path = self._root / name
        if not path.is_file():
            return None
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"larger than {MAX_BYTES} bytes")
        self.names.append(name)
        try:
            return path.read_bytes()
        except OSError as error:
            raise ValueError(str(error.strerror)) from error
