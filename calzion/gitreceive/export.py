"""Writes a tree's files into a directory, as raw blobs: no attribute, filter or substitution applies."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from calzion.errors import CalzionError
from calzion.gitreceive.entries import Entry, SourceLimits
from calzion.gitreceive.objects import Objects

_MAX_LINK = 4096


def export(entries: Sequence[Entry], objects: Objects, destination: Path, limits: SourceLimits) -> None:
    """Write `entries` below `destination`, an existing empty directory. A submodule becomes an empty one.

    Links come last and are kept as they are, wherever they point: nothing is written through one, and who
    reads the result must not follow one outside a sandbox. Raises CalzionError beyond `limits` and where a path
    can't be created.
    """
    root = os.fsencode(destination)
    files = [entry for entry in entries if entry.is_file]
    links = [entry for entry in entries if entry.is_link]
    try:
        for entry in entries:
            if entry.is_directory or entry.is_submodule:
                os.mkdir(os.path.join(root, entry.path), 0o755)  # noqa: PTH102, PTH118  # bytes, not text
        _write_files(root, files, objects, limits)
        _write_links(root, links, objects)
    except OSError as error:
        raise CalzionError(f"the source can't be written: {error}") from error


def _write_files(root: bytes, files: Sequence[Entry], objects: Objects, limits: SourceLimits) -> None:
    total = 0
    contents = objects.stream([entry.object_id for entry in files])
    for entry, (size, parts) in zip(files, contents, strict=True):
        total += size
        if total > limits.size:
            raise CalzionError(
                f"the source is too large: more than {limits.size} bytes (source-size)",
                hint="keep what is not the app's source out of the repository",
            )
        _write_file(root + b"/" + entry.path, entry.permissions, parts)


def _write_file(path: bytes, permissions: int, parts: Iterator[bytes]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, permissions)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        for part in parts:
            file.write(part)
        os.fchmod(descriptor, permissions)


def _write_links(root: bytes, links: Sequence[Entry], objects: Objects) -> None:
    for entry in links:
        try:
            target = objects.read(entry.object_id, _MAX_LINK)
        except ValueError:
            target = b""
        if not target or b"\0" in target:
            raise CalzionError(f"the source's link {os.fsdecode(entry.path)!a} points nowhere")
        os.symlink(target, root + b"/" + entry.path)  # noqa: PTH211  # bytes, not text
