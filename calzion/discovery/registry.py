"""What is asked of a registry, whatever keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from calzion.discovery.registration import Change, Key, Registration, Selection, Snapshot
from calzion.errors import CalzionError


class Watch(Protocol):
    """The changes since a snapshot, whatever happens to the registry meanwhile.

    Who applies them to the snapshot has what the registry holds, soon after it changes. What changes more than once
    between two looks may be told once. While the registry is away nothing is told, least of all that instances have
    gone; when it is back, all that changed meanwhile is.
    """

    def take(self, timeout: float) -> Sequence[Change]:
        """Wait for changes, at most `timeout` seconds; empty where there were none."""

    def trouble(self) -> str:
        """Why the registry can't be watched right now, '' where it can."""

    def close(self) -> None: ...


class Registry(Protocol):
    """Every method raises CalzionError: unreachable where the registry is away, failed where it takes no more."""

    def grant(self, ttl: int) -> str:
        """A new lease that ends `ttl` seconds after its last renewal, and what was registered under it with it.

        A registry may let it live somewhat longer, never shorter.
        """

    def renew(self, lease: str) -> bool:
        """False where the lease is over."""

    def register(self, lease: str, registration: Registration) -> None:
        """Set it, or bring it to this endpoint and lease. Raises CalzionError (conflict) where the lease is over."""

    def withdraw(self, key: Key) -> None:
        """Remove it at once; what is not there is no error."""

    def snapshot(self, selection: Selection) -> Snapshot: ...

    def watch(self, since: Snapshot) -> Watch: ...


def lease_is_over() -> CalzionError:
    return CalzionError("the registry's lease is over", hint="it is granted anew by itself", code="conflict")
