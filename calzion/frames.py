"""What goes over the connection of an attached command or an archive, in both directions: frames of some bytes.

A frame is one letter, the length as four bytes (big endian), and that many bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Protocol

from calzion.model import Exit, TerminalSize

PROTOCOL = "calzion-run"
"""The name by which an HTTP/1.1 connection is upgraded to it (RFC 9110, 7.8)."""

ARCHIVE_PROTOCOL = "calzion-archive"
"""The same for exports and imports, whose INPUT or OUTPUT is the archive; there is no WINDOW."""

INPUT, END_OF_INPUT, RESIZE, SIGNAL = b"i", b"e", b"r", b"s"
"""From the client. The payload of RESIZE is JSON of a TerminalSize, that of SIGNAL the signal's name."""

OUTPUT, ERROR_OUTPUT, TAKEN, EXIT = b"o", b"x", b"t", b"d"
"""From the server. TAKEN is the number of input bytes (JSON) that the command took since the last one; EXIT is JSON
of an Exit, and the last frame."""

EVENT = b"v"
"""From the server, where it has a story to tell (calzion-archive): JSON of an Event; after the last one it hangs up."""

WINDOW = 1 << 18
"""Bytes of input that may be under way: more is sent only after TAKEN, so that signals never wait behind input."""

MOST = 1 << 20
_HEADER = struct.Struct(">cI")


class Reader(Protocol):
    def read(self, size: int, /) -> bytes | None: ...


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    return _HEADER.pack(kind, len(payload)) + payload


def frames(reader: Reader) -> Iterator[tuple[bytes, bytes]]:
    """The frames of a stream until it ends. Raises ValueError for what is none, or too large."""
    while len(header := reader.read(_HEADER.size) or b"") == _HEADER.size:
        kind, length = _HEADER.unpack(header)
        if length > MOST:
            raise ValueError(f"a frame of {length} bytes is too large")
        payload = reader.read(length) or b"" if length else b""
        if len(payload) < length:
            return
        yield kind, payload


def size_frame(size: TerminalSize) -> bytes:
    return frame(RESIZE, json.dumps(vars(size)).encode())


def read_size(payload: bytes) -> TerminalSize:
    """Raises ValueError, KeyError, TypeError."""
    data = json.loads(payload)
    return TerminalSize(rows=int(data["rows"]), columns=int(data["columns"]))


def taken_frame(count: int) -> bytes:
    return frame(TAKEN, str(count).encode())


def exit_frame(exit_: Exit) -> bytes:
    return frame(EXIT, json.dumps(vars(exit_)).encode())


def read_exit(payload: bytes) -> Exit:
    return Exit(**json.loads(payload))
