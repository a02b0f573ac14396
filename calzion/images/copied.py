"""Files of this installation that are copied into an image."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_COMPILED = "__pycache__"


@dataclass(frozen=True, kw_only=True)
class Copied:
    """A file, or a directory with all that is in it, at `target` among what an image is built from.

    Without a `source` there is an empty directory. `package` names the distribution that it comes from, whose version
    says what the content is: it is too large to be read each time.
    """

    target: str
    source: Path | None
    package: str = ""

    def identity(self) -> str:
        """Changes with the content."""
        if self.source is None:
            return "absent"
        if self.package:
            return _version(self.package, self.source)
        digest = hashlib.sha256()
        for target, source in self.entries():
            content = source.read_bytes() if source.is_file() else b""
            digest.update(f"{target} {is_program(source)} {len(content)}\n".encode() + content)
        return digest.hexdigest()

    def entries(self) -> Iterator[tuple[str, Path]]:
        """Targets with their sources, directories before what is in them, in a fixed order."""
        if self.source is not None:
            yield from _below(self.target, self.source)


def is_program(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXUSR)


def _below(target: str, source: Path) -> Iterator[tuple[str, Path]]:
    yield target, source
    if source.is_dir() and not source.is_symlink():
        for name in sorted(os.listdir(source)):  # noqa: PTH208 (names are all that is needed)
            if name != _COMPILED:
                yield from _below(f"{target}/{name}".removeprefix("./"), source / name)


def _version(package: str, source: Path) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        facts = source.stat()
        return f"{package} {facts.st_mtime_ns} {facts.st_size}"
