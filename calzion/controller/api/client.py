"""The API worker's questions to the reconciler."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from calzion.controller.actor import actor
from calzion.controller.channel import Conversation, ask
from calzion.errors import CalzionError


class ReconcilerClient:
    def __init__(self, path: Path) -> None:
        self._path = path

    def answer(self, op: str, **message: Any) -> Any:
        """Raises the CalzionError that the reconciler answered."""
        for line in ask(self._path, _question(op, message)):
            if "answer" in line:
                return line["answer"]
            _raise_error(line)
        raise CalzionError("the reconciler gave no answer", code="unreachable", hint="see 'calzion status'")

    def converse(self, op: str, **message: Any) -> tuple[Any, socket.socket]:
        """The answer, and the connection behind it. Raises the CalzionError that the reconciler answered."""
        return Conversation(self._path, _question(op, message)).handed_over()

    def stream(self, op: str, **message: Any) -> Iterator[Mapping[str, Any]]:
        """The lines as they come. Closing the iterator hangs up."""
        return ask(self._path, _question(op, message))

    def begin(self, op: str, **message: Any) -> Conversation:
        """Something that is cancelled by hanging up."""
        return Conversation(self._path, _question(op, message))


def _question(op: str, message: Mapping[str, Any]) -> dict[str, Any]:
    return {"op": op, **message, "actor": asdict(actor())}


def _raise_error(line: Mapping[str, Any]) -> None:
    if line.get("kind") == "error":
        raise CalzionError.from_dict(dict(line.get("detail") or {}))
