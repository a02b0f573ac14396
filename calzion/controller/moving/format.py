"""Writing an export: a gzipped tar archive (POSIX ustar), made while what is in it is read."""

from __future__ import annotations

import hashlib
import json
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from calzion.controller.moving.manifest import Manifest, Stream, Values

MANIFEST, SECRETS, CHECKSUMS = "manifest.json", "secrets.json", "checksums.json"
PART = 4 << 20
"""Bytes of one member at most: a header gives its length, so a stream is cut into parts of known lengths."""

_GZIP = 16 + zlib.MAX_WBITS
_STORED, _FASTEST = 0, 1
_SAMPLE = 1 << 16


def part_name(stream: str, number: int) -> str:
    return f"{stream}/{number:06}"


class ArchiveWriter:
    """Gives the archive to `put` piece by piece. Without `finish` it is not whole, and no import takes it."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put = put
        self._level = _FASTEST
        self._zip = zlib.compressobj(level=self._level, wbits=_GZIP)
        self._sums: dict[str, dict[str, object]] = {}
        self.written = 0

    def begin(self, manifest: Manifest, values: Values | None) -> None:
        self._document(MANIFEST, manifest.to_json())
        if values is not None:
            self._document(SECRETS, values.to_json())

    @contextmanager
    def stream(self, stream: Stream) -> Iterator[Callable[[bytes], None]]:
        """What takes the bytes of the manifest's next stream."""
        parts = _Parts(stream.name, self._member)
        yield parts.add
        parts.end()
        self._sums[stream.name] = {"size": parts.size, "sha256": parts.digest.hexdigest()}

    def finish(self) -> None:
        self._member(CHECKSUMS, json.dumps(self._sums, indent=1).encode())
        self._write(bytes(2 * tarfile.BLOCKSIZE))
        self._send(self._zip.flush())

    def _document(self, name: str, content: bytes) -> None:
        self._member(name, content)
        self._sums[name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    def _member(self, name: str, content: bytes) -> None:
        self._choose(_level_for(content))
        header = tarfile.TarInfo(name)
        header.size, header.mode = len(content), 0o600
        self._write(header.tobuf(tarfile.USTAR_FORMAT))
        self._write(content)
        self._write(bytes(-len(content) % tarfile.BLOCKSIZE))

    def _choose(self, level: int) -> None:
        """Another level begins another gzip member (RFC 1952, 2.2), which every reader takes for one file."""
        if level != self._level:
            self._send(self._zip.flush())
            self._level, self._zip = level, zlib.compressobj(level=level, wbits=_GZIP)

    def _write(self, data: bytes) -> None:
        self._send(self._zip.compress(data))

    def _send(self, data: bytes) -> None:
        if data:
            self.written += len(data)
            self._put(data)


def _level_for(content: bytes) -> int:
    """Pictures and archives only cost time: they are stored, ten times as fast."""
    sample = content[:_SAMPLE]
    shrinks = len(zlib.compress(sample, _FASTEST)) < 0.95 * len(sample)
    return _FASTEST if shrinks or len(content) < _SAMPLE else _STORED


class _Parts:
    def __init__(self, name: str, member: Callable[[str, bytes], None]) -> None:
        self._name, self._member = name, member
        self._waiting = bytearray()
        self._number = 0
        self.size = 0
        self.digest = hashlib.sha256()

    def add(self, data: bytes) -> None:
        self.size += len(data)
        self.digest.update(data)
        self._waiting += data
        while len(self._waiting) >= PART:
            self._flush(PART)

    def end(self) -> None:
        # Also of nothing there is a part, which tells that the stream has come.
        if self._waiting or not self._number:
            self._flush(len(self._waiting))

    def _flush(self, size: int) -> None:
        self._member(part_name(self._name, self._number), bytes(self._waiting[:size]))
        del self._waiting[:size]
        self._number += 1
