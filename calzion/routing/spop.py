"""The protocol by which HAProxy asks an agent about a request (SPOP 2.0, HAProxy's doc/SPOE.txt, section 3). Pure.

A frame is a type, flags, two numbers that tell questions apart, and a payload; four bytes before it give its length.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

VERSION = "2.0"
MAX_FRAME = 16_380
"""Bytes; HAProxy's own limit with its default buffers."""

HELLO, GOODBYE, NOTIFY = 1, 2, 3
AGENT_HELLO, AGENT_GOODBYE, ACK = 101, 102, 103

_FINAL = 1
_TRANSACTION = 2
_SET_VARIABLE = 1
_BOOLEAN, _UINT32, _STRING = 1, 3, 8
_TRUE = 0x10
_FIXED = {6: 4, 7: 16}
"""Bytes of the types that hold an address."""

Value = bool | int | str | bytes | None


@dataclass(frozen=True, kw_only=True)
class Frame:
    kind: int
    stream: int = 0
    number: int = 0
    payload: bytes = b""

    def encode(self) -> bytes:
        """With its length in front."""
        body = struct.pack("!BI", self.kind, _FINAL) + _number(self.stream) + _number(self.number)
        body += self.payload
        return struct.pack("!I", len(body)) + body

    @classmethod
    def decode(cls, body: bytes) -> Frame:
        """Raises ValueError for what is no whole frame."""
        reader = _Reader(body)
        kind, flags = reader.byte(), int.from_bytes(reader.take(4), "big")
        if not flags & _FINAL:
            raise ValueError("a frame in parts, which was never agreed on")
        return cls(kind=kind, stream=reader.number(), number=reader.number(), payload=reader.rest())


def agent_hello() -> Frame:
    payload = _pair("version", _text(VERSION)) + _pair(
        "max-frame-size", bytes([_UINT32]) + _number(MAX_FRAME)
    )
    return Frame(kind=AGENT_HELLO, payload=payload + _pair("capabilities", _text("")))


def health_check(hello: Frame) -> bool:
    """Whether the greeting is all that is wanted."""
    return _Reader(hello.payload).pairs().get("healthcheck") is True


def agent_goodbye() -> Frame:
    payload = _pair("status-code", bytes([_UINT32]) + _number(0)) + _pair("message", _text(""))
    return Frame(kind=AGENT_GOODBYE, payload=payload)


def arguments(notify: Frame) -> dict[str, Value]:
    """Those of the first message. Raises ValueError."""
    reader = _Reader(notify.payload)
    reader.text()
    return reader.pairs(reader.byte())


def acknowledge(notify: Frame, variables: Mapping[str, bool]) -> Frame:
    """The answer that sets variables of the request."""
    payload = b"".join(
        bytes([_SET_VARIABLE, 3, _TRANSACTION]) + _bare(name) + bytes([_BOOLEAN | (_TRUE if value else 0)])
        for name, value in variables.items()
    )
    return Frame(kind=ACK, stream=notify.stream, number=notify.number, payload=payload)


def _number(value: int) -> bytes:
    """Up to 240 in one byte; above, four bits in the first and seven in each further one."""
    if value < 240:
        return bytes([value])
    found = [value & 0xFF | 0xF0]
    value = (value - 240) >> 4
    while value >= 128:
        found.append(value & 0xFF | 0x80)
        value = (value - 128) >> 7
    return bytes([*found, value])


def _bare(text: str) -> bytes:
    data = text.encode()
    return _number(len(data)) + data


def _text(text: str) -> bytes:
    return bytes([_STRING]) + _bare(text)


def _pair(name: str, value: bytes) -> bytes:
    return _bare(name) + value


class _Reader:
    """Takes a payload apart. Everything raises ValueError where it ends too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) != count:
            raise ValueError("a frame ends too early")
        self._at += count
        return found

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        value = last = self.byte()
        if last < 240:
            return value
        for shift in range(4, 64, 7):
            last = self.byte()
            value += last << shift
            if last < 128:
                return value
        raise ValueError("a number is too long")

    def text(self) -> str:
        return self.take(self.number()).decode("utf-8", "surrogateescape")

    def pairs(self, most: int | None = None) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while self._at < len(self._data) and (most is None or len(found) < most):
            name = self.text()
            found[name] = self._value()
        return found

    def _value(self) -> Value:
        kind = self.byte()
        match kind & 0x0F:
            case 0:
                return None
            case 1:
                return bool(kind & _TRUE)
            case 2 | 3 | 4 | 5:
                return self.number()
            case 8:
                return self.text()
            case 9:
                return self.take(self.number())
            case other if other in _FIXED:
                return self.take(_FIXED[other])
        raise ValueError(f"a value of the unknown type {kind & 0x0F}")
