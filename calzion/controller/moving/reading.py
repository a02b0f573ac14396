"""Reading an export that nobody trusts: every member must be the one that its manifest announces.

No name in the file ever becomes a path, and nothing is used before all of it has come and its checksums agree.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from calzion.controller.archive import Readable
from calzion.controller.moving.format import CHECKSUMS, MANIFEST, PART, SECRETS, part_name
from calzion.controller.moving.manifest import Manifest, Stream, Values
from calzion.errors import CalzionError

RESERVE = 512 << 20
"""Bytes of the disk that an import leaves to everything else."""

_MOST_DOCUMENT = 8 << 20
_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 1 << 18


@dataclass(frozen=True, kw_only=True)
class Package:
    """A whole export: each stream lies in a file of its own below `directory`, named by its place in the manifest."""

    manifest: Manifest
    values: Values | None
    directory: Path

    def path(self, stream: Stream) -> Path:
        return self.directory / str(self.manifest.streams.index(stream))

    def named(self, name: str) -> Path:
        return self.path(next(each for each in self.manifest.streams if each.name == name))


class Free(Protocol):
    def __call__(self, path: Path, /) -> int: ...


def free_bytes(path: Path) -> int:
    return shutil.disk_usage(path).free


def receive(
    stream: Readable, directory: Path, announce: Callable[[Manifest], None], free: Free = free_bytes
) -> Package:
    """Read an export to its end into `directory`, an empty one; `announce` may refuse it by its manifest.

    Raises CalzionError (usage) where it is cut off, damaged, or anything but what an export writes.
    """
    reading = _Reading(stream)
    try:
        return _receive(reading, directory, announce, free)
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.HeaderError) as error:
        raise _damaged(error) from error
    except OSError as error:
        raise CalzionError(
            f"the import can't be kept on disk: {error.strerror or error}",
            hint="make room, or put DATA on a larger disk",
        ) from error


def _receive(reading: _Reading, directory: Path, announce: Callable[[Manifest], None], free: Free) -> Package:
    member = reading.expect(MANIFEST, _MOST_DOCUMENT)
    manifest = Manifest.parse(reading.document(member))
    announce(manifest)
    member = reading.next()
    values = None
    if manifest.with_secrets:
        member.require(SECRETS, _MOST_DOCUMENT)
        values = Values.parse(reading.document(member), manifest)
        member = reading.next()
    for number, stream in enumerate(manifest.streams):
        with (directory / str(number)).open("xb") as file:
            member = reading.stream(stream, member, file.write, lambda: _check_room(directory, free))
            file.flush()
            os.fsync(file.fileno())
    member.require(CHECKSUMS, _MOST_DOCUMENT)
    reading.check_sums(reading.content(member))
    return Package(manifest=manifest, values=values, directory=directory)


@dataclass(frozen=True, kw_only=True)
class _Member:
    name: str
    size: int

    def require(self, name: str, most: int) -> None:
        if self.name != name or self.size > most:
            raise _foreign(f"{self.name[:80]!a} stands where {name} should")


class _Reading:
    def __init__(self, stream: Readable) -> None:
        source: Any = _Source(stream)
        self._stream = gzip.GzipFile(fileobj=source, mode="rb")
        self._sums: dict[str, dict[str, Any]] = {}

    def next(self) -> _Member:
        """The next header, which must be one of a plain file."""
        header = self._exactly(_BLOCK)
        if header == bytes(_BLOCK):
            raise EOFError
        try:
            found = tarfile.TarInfo.frombuf(header, "ascii", "strict")
        except UnicodeDecodeError as error:
            raise _foreign("a name in it is no ASCII") from error
        if found.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or found.size < 0:
            raise _foreign(f"{found.name[:80]!a} is no plain file")
        return _Member(name=found.name, size=found.size)

    def expect(self, name: str, most: int) -> _Member:
        member = self.next()
        member.require(name, most)
        return member

    def content(self, member: _Member) -> bytes:
        content = self._exactly(member.size)
        self._exactly(-member.size % _BLOCK)
        return content

    def document(self, member: _Member) -> bytes:
        content = self.content(member)
        self._sums[member.name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        return content

    def stream(
        self, stream: Stream, member: _Member, put: Callable[[bytes], object], room: Callable[[], None]
    ) -> _Member:
        """Pass a stream on, of which `member` is the first part; returns the member behind its last one."""
        digest, size, number = hashlib.sha256(), 0, 0
        member.require(part_name(stream.name, 0), PART)
        while member.name == part_name(stream.name, number):
            member.require(member.name, PART)
            room()
            content = self.content(member)
            digest.update(content)
            put(content)
            size += len(content)
            number += 1
            member = self.next()
        self._sums[stream.name] = {"size": size, "sha256": digest.hexdigest()}
        return member

    def check_sums(self, content: bytes) -> None:
        """Compare what has come with what the file says of itself, and read its end."""
        try:
            given = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise _foreign(f"{CHECKSUMS} is no JSON") from error
        if given != self._sums:
            raise CalzionError(
                f"the file is damaged: {_differing(given, self._sums)} does not agree with its checksum",
                hint="copy it again, or export the deployment again",
                code="usage",
            )
        if self._exactly(2 * _BLOCK) != bytes(2 * _BLOCK):
            raise _foreign("something follows behind its end")
        while rest := self._stream.read(_CHUNK):
            if rest.strip(b"\0"):
                raise _foreign("something follows behind its end")

    def _exactly(self, size: int) -> bytes:
        pieces = []
        while size:
            piece = self._stream.read(min(size, _CHUNK))
            if not piece:
                raise EOFError
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


class _Source:
    """As much of a file as gzip asks for."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        return self._stream.read(size if size >= 0 else _CHUNK)


def _differing(given: Any, found: dict[str, dict[str, Any]]) -> str:
    known = given if isinstance(given, dict) else {}
    return next((name for name in found if known.get(name) != found[name]), CHECKSUMS)


def _check_room(directory: Path, free: Free) -> None:
    if free(directory) < RESERVE:
        raise CalzionError(
            f"the disk has no room for this import: less than {RESERVE >> 20} MiB would be left",
            hint="make room, or put DATA on a larger disk; the data lies there twice for a while",
            code="failed",
        )


def _damaged(error: Exception) -> CalzionError:
    if isinstance(error, EOFError):
        return CalzionError(
            "the file ends before its end: it is not whole",
            hint="copy it again, or export the deployment again",
            code="usage",
        )
    return _foreign(str(error) or type(error).__name__)


def _foreign(why: str) -> CalzionError:
    return CalzionError(
        f"this is no file of 'calzion export', or it is damaged: {why}",
        hint="copy it again, or export the deployment again",
        code="usage",
    )
