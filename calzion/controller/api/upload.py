"""Uploaded code: unpacked below the data directory under a name of its own, hostile archives refused."""

from __future__ import annotations

import shutil
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from calzion.errors import CalzionError

MAX_BYTES = 2 << 30
MAX_FILES = 100_000


def unpack(stream: Any, uploads: Path) -> str:
    """Unpack a tar archive; returns the upload's name. Raises CalzionError (usage) and keeps nothing then."""
    uploads.mkdir(parents=True, exist_ok=True)
    name = uuid.uuid4().hex
    scratch = uploads / f".{name}"
    scratch.mkdir(mode=0o700)
    try:
        _extract(stream, scratch)
        scratch.replace(uploads / name)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise CalzionError(
            f"the upload is no tar archive that can be used: {error}",
            hint="for example: tar -c . | curl --unix-socket DATA/api.sock -T - …/code",
            code="usage",
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return name


def _extract(stream: Any, directory: Path) -> None:
    size = count = 0
    with tarfile.open(fileobj=stream, mode="r|*") as archive:
        # The data filter (PEP 706) refuses paths and links that lead outside, and devices.
        archive.extraction_filter = tarfile.data_filter
        for member in archive:
            size += member.size
            count += 1
            if size > MAX_BYTES or count > MAX_FILES:
                raise ValueError(f"it holds more than {MAX_BYTES} bytes or {MAX_FILES} files")
            archive.extract(member, directory, set_attrs=True)


def fail_early(lines: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Read up to the first line, so that an error that comes first becomes the response's status."""
    first = next(lines, None)
    if first is None:
        return iter(())
    if first.get("kind") == "error":
        raise CalzionError.from_dict(dict(first.get("detail") or {}))
    return chain([first], lines)
