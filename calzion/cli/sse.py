"""Server-sent events, as the WHATWG HTML standard frames them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    event: str
    data: str


def messages(lines: Iterable[bytes]) -> Iterator[Message]:
    """Every message that has come to its end (an empty line); comments and unfinished ones are left out."""
    event, data = "", list[str]()
    for line in lines:
        text = line.decode(errors="replace").rstrip("\r\n")
        name, _, value = text.partition(":")
        if not text:
            if data:
                yield Message(event or "message", "\n".join(data))
            event, data = "", []
        elif name == "data":
            data.append(value.removeprefix(" "))
        elif name == "event":
            event = value.removeprefix(" ")
