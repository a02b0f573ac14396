"""A tar archive whose content nobody trusts -> files below a directory."""

from __future__ import annotations

import os
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

_MAX_DEPTH = 64
_MAX_PATH = 2000
_MAX_EXTENSION = 1 << 20
_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_BUFFER = 1 << 18
_HIDDEN = ".git"


@dataclass(frozen=True, kw_only=True)
class ArchiveLimits:
    """Entries, and bytes of all files together: as many as a push may have."""

    entries: int = 200_000
    size: int = 4 << 30


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


def extract(stream: Readable, directory: Path, limits: ArchiveLimits) -> None:
    """Write the files of an archive, plain or compressed, below `directory`, an existing empty one.

    Links come last and are kept as they are, wherever they point: nothing is written through one, and who reads the
    result must not follow one. Git's own files are left out. Raises ValueError, OSError or tarfile.TarError for what
    is no archive, not whole, beyond `limits`, or has entries that no checkout would create.
    """
    unpacking = _Unpacking(directory, limits)
    file: Any = stream
    try:
        with tarfile.open(fileobj=file, mode="r|*", bufsize=_BUFFER, tarinfo=BoundedMember) as archive:
            for member in archive:
                unpacking.take(archive, member)
    except RecursionError:
        raise ValueError("its headers are nested without end") from None
    unpacking.write_links()


class BoundedMember(tarfile.TarInfo):
    """Refuses a header about the next header that would fill the memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> BoundedMember:
        found = super().frombuf(buf, encoding, errors)
        if found.type in _EXTENSIONS and found.size > _MAX_EXTENSION:
            raise ValueError(f"a header is longer than {_MAX_EXTENSION} bytes")
        return found


class _Unpacking:
    def __init__(self, directory: Path, limits: ArchiveLimits) -> None:
        self._root = directory
        self._limits = limits
        self._links: list[tuple[Path, str]] = []
        self._entries = 0
        self._size = 0

    def take(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        self._entries += 1
        self._size += member.size
        if self._size > self._limits.size or self._entries > self._limits.entries:
            raise ValueError(f"it holds more than {self._limits.size} bytes or {self._limits.entries} files")
        path = self._path(member.name)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if member.isdir():
            path.mkdir(exist_ok=True)
        elif member.issym():
            self._links.append((path, member.linkname))
        elif member.islnk():
            self._link_again(path, member)
        elif member.isreg() and not member.issparse():
            self._write(path, archive, member)
        else:
            raise ValueError(f"{member.name!a} is no file, directory or link")

    def write_links(self) -> None:
        # Every parent exists before the first link does, so none can be one.
        for path, target in self._links:
            if not target or "\0" in target:
                raise ValueError(f"the link {path.name!a} points nowhere")
            os.symlink(target, path)  # noqa: PTH211  # a Path would change the target

    def _write(self, path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        content: Any = archive.extractfile(member)
        with path.open("xb") as file:
            shutil.copyfileobj(content, file, _BUFFER)
        path.chmod(0o755 if member.mode & 0o100 else 0o644)

    def _link_again(self, path: Path, member: tarfile.TarInfo) -> None:
        known = self._path(member.linkname)
        if known is None or not known.is_file():
            raise ValueError(f"{member.name!a} is a link to a file that the archive lacks")
        os.link(known, path)

    def _path(self, name: str) -> Path | None:
        """None for the root itself, and for git's own files. Raises ValueError for what leads elsewhere."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts or "\0" in name:
            raise ValueError(f"{name[:80]!a} leads out of it")
        if len(parts) > _MAX_DEPTH or len(name) > _MAX_PATH:
            raise ValueError(f"{name[:80]!a}… is too deep or too long")
        return self._root.joinpath(*parts) if parts and _HIDDEN not in parts else None
