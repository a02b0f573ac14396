"""Who acts, as the audit trail tells it: found out at the door, and known to everything that is done for it.

It travels beside the call (PEP 567): the layers between a door and the transaction that records it have no use for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self

from calzion.controller.channel import Channel, Operation


@dataclass(frozen=True, kw_only=True)
class Actor:
    """`via` is `ssh`, `socket` (this machine's own), `api` (a token, over the network) or `calzion` itself.

    `key` is what was proven: the fingerprint of an SSH key, or the id of a token. `address` is where it came from.
    """

    user: str
    via: str
    address: str = ""
    key: str = ""

    @classmethod
    def from_message(cls, message: object) -> Self | None:
        """Read what a process of ours says of its caller; None where it says nothing."""
        if not isinstance(message, dict):
            return None
        fields = ("user", "via", "address", "key")
        return cls(**{name: str(message.get(name) or "")[:255] for name in fields})


CALZION = Actor(user="calzion", via="calzion")
"""What nobody asked for at this moment: deployments whose time is over, what a crash has left."""

_acting: ContextVar[Actor] = ContextVar("acting", default=CALZION)


def actor() -> Actor:
    """Who acts in this thread."""
    return _acting.get()


def now_acts(who: Actor) -> None:
    """For the rest of this thread's work, or until the next one acts."""
    _acting.set(who)


@contextmanager
def acting(who: Actor) -> Iterator[None]:
    before = _acting.set(who)
    try:
        yield
    finally:
        _acting.reset(before)


def for_callers(operations: Mapping[str, Operation]) -> dict[str, Operation]:
    """The operations, each done for the actor that its message names. Only for sockets of ours alone."""
    return {name: _for_caller(operation) for name, operation in operations.items()}


def _for_caller(operation: Operation) -> Operation:
    def act(message: dict[str, Any], channel: Channel) -> None:
        with acting(Actor.from_message(message.get("actor")) or CALZION):
            operation(message, channel)

    return act
