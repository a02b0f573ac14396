"""What a file system keeps through a crash."""

from __future__ import annotations

import os
from pathlib import Path


def sync_directory(path: Path) -> None:
    """Have the names in a directory survive a crash: a file's own fsync(2) says nothing of them. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_private(path: Path, data: bytes) -> None:
    """A file for its owner alone, on the disk when this returns, but not yet its name. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def replace_private(path: Path, data: bytes) -> None:
    """The same, where a crash leaves what was there before or the whole of what is new. Raises OSError."""
    new = path.with_name(f"{path.name}.new")
    write_private(new, data)
    new.replace(path)
    sync_directory(path.parent)
